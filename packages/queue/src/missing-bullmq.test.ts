import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

test('without bullmq the package loads, and what needs it says what to install', async () => {
  const hook = new URL('./without-bullmq.test.util.js', import.meta.url).href;
  const index = new URL('./index.js', import.meta.url).href;
  const program = `import { assertRedis, makePlan } from '${index}';
    const { code, message, hint } = await assertRedis('redis://localhost:1').catch((error) => error);
    console.log([typeof makePlan, code, message, hint].join('\\n'));`;
  const args = ['--import', hook, '--input-type=module', '--eval', program];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 60_000 });
  expect(stdout.trim().split('\n')).toEqual([
    'function',
    'dependency-missing',
    "The packages bullmq and ioredis, which a queue in Redis needs, cannot be loaded: Cannot find package 'bullmq'",
    'npm install --ignore-scripts bullmq@6 ioredis@6',
  ]);
}, 60_000);
