import { readFile } from 'node:fs/promises';
import { DskdError } from '@dskd/base';
import type { Job } from '../job.js';

/** The packages that affect training and scoring. */
const NAMES = [
  '@dskd/data',
  '@dskd/detector',
  '@dskd/losses',
  '@dskd/methods',
  '@dskd/metrics',
  '@dskd/models',
  '@dskd/training',
  '@tensorflow/tfjs-core',
];

async function versionOf(name: string): Promise<string> {
  const file = new URL(import.meta.resolve(`${name}/package.json`));
  const { version } = JSON.parse(await readFile(file, 'utf8')) as { readonly version: string };
  return version;
}

/** Versions of the packages that affect training and scoring, as installed here. */
export async function versionsHere(): Promise<Record<string, string>> {
  const versions = await Promise.all(NAMES.map(versionOf));
  return Object.fromEntries(NAMES.map((name, index) => [name, versions[index]!]));
}

/**
 * Checks that a job was planned with the packages that are installed here: its results are kept as those of the planned
 * ones.
 * @throws {DskdError} `version-mismatch`
 */
export async function assertVersions(job: Job): Promise<void> {
  const cells = 'cell' in job ? [job.cell] : job.cells;
  const here = await versionsHere();
  for (const { facts } of cells) {
    const different = Object.keys(here).filter((name) => facts.versions[name] !== here[name]);
    if (different.length === 0) continue;
    const list = (versions: Readonly<Record<string, string>>): string =>
      different.map((name) => `${name} ${versions[name] ?? 'of no version'}`).join(', ');
    throw new DskdError(
      'version-mismatch',
      `This worker has ${list(here)}; the benchmark was planned with ${list(facts.versions)}.`,
      {
        hint: 'Install the same version of dskd on all machines.',
        details: { got: here, wanted: facts.versions },
      },
    );
  }
}
