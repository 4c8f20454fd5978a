// The spelling check must refuse British spellings: the dictionaries of the programming languages know some.
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const BRITISH = ['colour', 'normalise', 'artefact', 'behaviour', 'optimiser', 'centre', 'initialise'];

test('British spellings are refused, American ones are not', () => {
  const { stdout } = spawnSync(
    process.execPath,
    [
      path.join(root, 'node_modules/cspell/bin.mjs'),
      'lint',
      '--no-cache',
      '--no-progress',
      '--words-only',
      'stdin',
    ],
    {
      cwd: root,
      input: [...BRITISH, 'color', 'normalize', 'artifact', 'behavior'].join(' '),
      encoding: 'utf8',
    },
  );
  expect(stdout.split('\n').filter(Boolean)).toEqual(BRITISH);
});
