// API reports of the published packages: `packages/NAME/etc/ENTRY.api.md`, one for each entry point.
// `node tools/api-report.mjs` compares them with the built packages and fails where one differs, and where all packages
// together export more than tools/api-size.mjs allows;
// `node tools/api-report.mjs --renew [PACKAGE ...]` writes them. Both read `dist`: build first.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CompilerState, Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';
import { apiSize, describeApiSize } from './api-size.mjs';

const root = path.resolve(import.meta.dirname, '..');
const args = process.argv.slice(2);
const renew = args.includes('--renew');
const only = args.filter((argument) => !argument.startsWith('--'));

/** The entry points of a package: the name of the report and the file of types. */
function entriesOf(folder, manifest) {
  const base = path.basename(folder);
  return Object.entries(manifest.exports)
    .filter(([, target]) => typeof target === 'object' && 'types' in target)
    .map(([subpath, { types }]) => ({
      folder,
      name: [base, ...subpath.split('/').slice(1)].join('-'),
      types: path.join(folder, types),
    }));
}

function configOf({ folder, name, types }, scratch) {
  return ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: path.join(folder, 'package.json'),
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: types,
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            module: 'nodenext',
            moduleResolution: 'nodenext',
            target: 'es2022',
            lib: ['es2023', 'esnext.disposable', 'dom', 'dom.iterable'],
            types: ['node', '@webgpu/types'],
            strict: true,
            skipLibCheck: true,
          },
          files: [types],
        },
      },
      apiReport: {
        enabled: true,
        reportFileName: `${name}.api.md`,
        reportFolder: scratch,
        reportTempFolder: scratch,
        includeForgottenExports: false,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      newlineKind: 'lf',
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
        extractorMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
      },
    },
  });
}

/** The report of one entry point as text. */
function reportOf(config, compilerState, name) {
  const problems = [];
  const { succeeded } = Extractor.invoke(config, {
    localBuild: true,
    compilerState,
    messageCallback: (message) => {
      message.handled = true;
      if (message.logLevel === 'error') problems.push(message.text);
    },
  });
  if (!succeeded) throw new Error(`No report of ${name}: ${problems.join('\n') || 'api-extractor failed'}`);
  return readFileSync(config.reportFilePath, 'utf8');
}

/** The entry points of all published packages that were asked for. */
const packages = readdirSync(path.join(root, 'packages'))
  .filter((name) => only.length === 0 || only.includes(name))
  .map((name) => path.join(root, 'packages', name))
  .map((folder) => ({
    folder,
    manifest: JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')),
  }))
  .filter(({ manifest }) => !manifest.private)
  .map(({ folder, manifest }) => ({ folder, entries: entriesOf(folder, manifest) }));
const entries = packages.flatMap(({ entries }) => entries);

const scratch = mkdtempSync(path.join(tmpdir(), 'dskd-api-'));
const differing = [];
const reports = new Map(packages.map(({ folder }) => [path.basename(folder), []]));
try {
  // One program for all entry points: making one for each takes five times as long.
  const compilerState = CompilerState.create(configOf(entries[0], scratch), {
    additionalEntryPoints: entries.map(({ types }) => types),
  });
  for (const { folder, name, types } of entries) {
    const text = reportOf(configOf({ folder, name, types }, scratch), compilerState, name);
    reports.get(path.basename(folder)).push(text);
    const file = path.join(folder, 'etc', `${name}.api.md`);
    if (existsSync(file) && readFileSync(file, 'utf8') === text) continue;
    if (renew) {
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, text);
    } else differing.push(path.relative(root, file));
  }
  for (const { folder, entries } of packages) {
    const reports = path.join(folder, 'etc');
    const names = entries.map(({ name }) => `${name}.api.md`);
    for (const file of existsSync(reports) ? readdirSync(reports) : []) {
      if (!file.endsWith('.api.md') || names.includes(file)) continue;
      if (renew) rmSync(path.join(reports, file));
      else differing.push(path.relative(root, path.join(reports, file)));
    }
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
if (differing.length > 0) {
  console.log(`The API differs from these reports:\n  ${differing.join('\n  ')}`);
  console.log('Renew them with `npm run api` and read the difference: it is what users will see.');
  process.exitCode = 1;
} else console.log(`API reports: ${entries.length} ${renew ? 'up to date' : 'match'}`);

const { table, isWithin } = describeApiSize(apiSize(reports));
console.log(table);
if (!isWithin) {
  console.log(
    'That is too much: leave out of an index what only its own package uses, or join what belongs together.',
  );
  process.exitCode = 1;
}
