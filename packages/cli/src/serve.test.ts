import { writeFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { dskd, spawnDskd } from './dskd-process.test.util.js';
import { trainInstant } from './instant-model.test.util.js';

test.each([
  [[], 'No models are given'],
  [['missing.safetensors'], 'Cannot read'],
  [['../x=a.onnx'], 'as the name of a model'],
  [['a b=a.onnx'], 'as the name of a model'],
  [['--watch', '/no/such/folder'], 'Cannot read the folder'],
  [['a.onnx', '--token-file', '/no/such/token'], 'Cannot read /no/such/token'],
  [['a.onnx', '--port', '70000'], '--port'],
  [['a.onnx', '--workers', '0'], '--workers'],
])('dskd serve %j is refused', async (args, message) => {
  const { code, stderr } = await dskd('serve', ...args);
  expect(code).not.toBe(0);
  expect(stderr).toContain(message);
});

test('a token that is too short is refused', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'dskd serve-'));
  const file = path.join(folder, 'token');
  await writeFile(file, 'short\n');
  const { code, stderr } = await dskd('serve', 'a.onnx', '--token-file', file);
  expect(code).toBe(2);
  expect(stderr).toContain('a token that cannot be sent');
  await rm(folder, { recursive: true });
});

test('dskd serve listens, asks for the token, logs JSON, and ends with code 0 on SIGTERM', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'dskd serve-'));
  const { model } = await trainInstant(folder);
  let url: string | undefined;
  const answers: number[] = [];
  const outcome = await spawnDskd(['serve', `tray=${model}`, '--port', '0', '--workers', '1'], {
    env: { DSKD_TOKEN: 'a-token-of-a-test' },
    onStart: (child) => {
      child.stdout!.on('data', (text: string) => {
        url ??= /"url":"([^"]+)"/.exec(text)?.[1];
        if (url === undefined || answers.length > 0) return;
        answers.push(0);
        void (async () => {
          const models = (headers: Record<string, string>): Promise<Response> =>
            fetch(`${url!}/v1/models`, { headers });
          answers[0] = (await models({})).status;
          const response = await models({ authorization: 'Bearer a-token-of-a-test' });
          answers.push(response.status);
          expect(await response.json()).toMatchObject({ models: [{ name: 'tray', state: 'ready' }] });
          child.kill('SIGTERM');
        })();
      });
    },
  });
  expect(outcome.code).toBe(0);
  expect(answers).toEqual([401, 200]);
  const lines = outcome.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { msg: string });
  expect(lines.map(({ msg }) => msg)).toEqual(['model-loaded', 'listening', 'request', 'request', 'ending']);
  await rm(folder, { recursive: true });
});
