// Projects that are stricter or older than ours import every published package.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
/** Below the node_modules of the repository, so that packages are found by name. */
const folder = path.join(root, 'node_modules/.cache/dskd-consumers');

const entries = readdirSync(path.join(root, 'packages'))
  .map((name) => JSON.parse(readFileSync(path.join(root, 'packages', name, 'package.json'), 'utf8')))
  .filter((manifest) => !manifest.private)
  .flatMap(({ name, exports }) =>
    Object.entries(exports)
      .filter(([, target]) => typeof target === 'object' && 'types' in target)
      .map(([subpath]) => name + subpath.slice(1)),
  );

beforeAll(() => mkdirSync(folder, { recursive: true }));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The lines in which tsc reports an error. */
function errorsOf(options) {
  const program = entries
    .map((entry, i) => `import * as p${i} from '${entry}';\nexport { p${i} };\n`)
    .join('');
  writeFileSync(path.join(folder, 'program.ts'), program);
  const strict = ['--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--noEmit'];
  const args = [
    ...options,
    ...strict,
    '--target',
    'es2023',
    '--types',
    'node',
    '--ignoreConfig',
    'program.ts',
  ];
  const { stdout, status } = spawnSync(path.join(root, 'node_modules/.bin/tsc'), args, {
    cwd: folder,
    encoding: 'utf8',
  });
  expect(status).not.toBeNull();
  return stdout.split('\n').filter((line) => line.includes('error TS'));
}

test('there are entries', () => {
  expect(entries).toContain('@dskd/losses');
  expect(entries.length).toBeGreaterThan(20);
});

test.each([
  ['nodenext', ['--module', 'nodenext']],
  ['bundler', ['--module', 'preserve', '--moduleResolution', 'bundler']],
])('a strict project (%s) meets no error', (_, options) => {
  expect(errorsOf([...options, '--skipLibCheck'])).toEqual([]);
});

test('with skipLibCheck: false no error is in our types; TensorFlow.js and what it brings have some', () => {
  const errors = errorsOf(['--module', 'nodenext', '--skipLibCheck', 'false']);
  const ours = /(^|\/)packages\/|\/@dskd\/|^program/;
  expect(errors.filter((line) => ours.test(line))).toEqual([]);
  expect(errors).toContainEqual(expect.stringContaining("Cannot find name 'Long'"));
});

test('CommonJS reads the modules by require()', () => {
  const inNode = entries.filter((entry) => !/\/(web|browser|worker.*|set-up.*)$/.test(entry));
  const program = `for (const name of ${JSON.stringify(inNode)}) {
    if (Object.keys(require(name)).length === 0) throw new Error(name + ' exports nothing');
  }
  console.log('read');`;
  writeFileSync(path.join(folder, 'program.cjs'), program);
  const { stdout, stderr } = spawnSync(process.execPath, ['program.cjs'], { cwd: folder, encoding: 'utf8' });
  expect([stdout.trim(), stderr]).toEqual(['read', expect.any(String)]);
});
