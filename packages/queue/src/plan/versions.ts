import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { DskdError } from '@dskd/base';

export type Versions = Readonly<Record<string, string>>;

/** What decodes, prepares and computes, by the package that depends on it. */
const OF_ENGINE = [
  '@dskd/data',
  '@dskd/detector',
  '@dskd/models',
  '@dskd/onnx',
  '@tensorflow/tfjs-core',
  'sharp',
];
const OF_DETECTOR = ['@dskd/methods', '@dskd/scoring'];
const RUNTIME = 'onnxruntime-node';

/**
 * Versions, as installed here, of the packages that affect the result of a prediction.
 * @param engine of them: the version of ONNX Runtime counts only where it computes.
 */
export function versionsHere(engine: 'tfjs' | 'onnx'): Versions {
  const versions: Record<string, string> = {};
  const add = (require: NodeJS.Require, name: string): void => {
    const file = packageFile(require, name);
    versions[name] = file === undefined ? 'missing' : (require(file) as { readonly version: string }).version;
  };
  const own = createRequire(import.meta.url);
  const fromEngine = createRequire(own.resolve('@dskd/engine/package.json'));
  const fromDetector = createRequire(own.resolve('@dskd/detector/package.json'));
  add(own, '@dskd/engine');
  for (const name of OF_ENGINE) add(fromEngine, name);
  if (engine === 'onnx') add(fromEngine, RUNTIME);
  for (const name of OF_DETECTOR) add(fromDetector, name);
  return versions;
}

/** The package.json of a package; undefined if it is not installed. */
function packageFile(require: NodeJS.Require, name: string): string | undefined {
  try {
    return require.resolve(`${name}/package.json`);
  } catch {
    // Not all packages export it: then it is above the module.
  }
  let folder: string;
  try {
    folder = path.dirname(require.resolve(name));
  } catch {
    return undefined;
  }
  while (!existsSync(path.join(folder, 'package.json')) && folder !== path.dirname(folder)) {
    folder = path.dirname(folder);
  }
  return path.join(folder, 'package.json');
}

/** @throws {DskdError} `version-mismatch` */
export function assertVersions(wanted: Versions, engine: 'tfjs' | 'onnx'): void {
  const here = versionsHere(engine);
  const names = [...new Set([...Object.keys(here), ...Object.keys(wanted)])];
  const different = names.filter((name) => here[name] !== wanted[name]);
  if (different.length === 0) return;
  const list = (versions: Versions): string =>
    different.map((name) => `${name} ${versions[name] ?? 'missing'}`).join(', ');
  throw new DskdError(
    'version-mismatch',
    `This worker has ${list(here)}; the plan was made with ${list(wanted)}.`,
    {
      hint: 'Install the same versions on all machines, or submit again where the workers are.',
      details: { got: here, wanted },
    },
  );
}
