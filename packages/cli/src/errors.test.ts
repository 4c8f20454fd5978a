import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { DskdError } from '@dskd/base';
import { capture } from './dskd-process.test.util.js';
import { printError } from './errors.js';
import { formatTable } from './output/print.js';

async function said(error: unknown, json = false): Promise<{ stdout: string; stderr: string }> {
  return capture(() => {
    printError(error, { json, debug: false });
  });
}

const refusal = new DskdError('invalid-config', 'Got 0, wanted 1:\n  here', {
  hint: 'Say 1.',
  details: { got: 0 },
});

test('a DskdError is printed with its message and hint', async () => {
  const { stdout, stderr } = await said(refusal);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/dskd:\S* Got 0, wanted 1:\n {6}here\n {6}Say 1\.\n$/);
  const { stdout: line, stderr: nothing } = await said(refusal, true);
  expect(nothing).toBe('');
  expect(JSON.parse(line)).toEqual({
    type: 'error',
    code: 'invalid-config',
    message: refusal.message,
    hint: 'Say 1.',
    details: { got: 0 },
  });
});

test('without a hint of its own an error has that of its code; to have stopped needs none', async () => {
  const { stderr } = await said(new DskdError('artifact-version', 'The detector has format 9.'));
  expect(stderr).toMatch(/The detector has format 9\.\n {6}Update dskd\.\n$/);
  const { stderr: stopped } = await said(new DskdError('aborted', 'The operation was aborted.'));
  expect(stopped).toMatch(/aborted\.\n$/);
});

test('an error of the operating system is not reported as a bug in dskd', async () => {
  const error: unknown = await readFile(tmpdir()).catch((cause: unknown) => cause);
  const { stderr } = await said(error);
  expect(stderr).toContain('EISDIR');
  expect(stderr).not.toContain('bug in dskd');
  expect(JSON.parse((await said(error, true)).stdout)).toMatchObject({
    code: 'system',
    details: { code: 'EISDIR' },
  });
});

test('any other error is reported as a bug, without a stack', async () => {
  const { stderr } = await said(new TypeError('x is undefined'));
  expect(stderr).toContain('This is a bug in dskd; --debug prints the stack.');
  expect(stderr).not.toMatch(/^\s+at /m);
});

test('tables: numbers to the right, text to the left', () => {
  expect(
    formatTable(
      ['name', 'n'],
      [
        ['a', '10'],
        ['longer', '9'],
      ],
    ),
  ).toBe('name     n\n------  --\na       10\nlonger   9');
});
