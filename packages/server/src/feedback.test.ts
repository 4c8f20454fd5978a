import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { useBackend } from '@dskd/test-support';
import { createApp, listen, openModels, type Models, type RunningServer } from './index.js';
import { keptLog } from './fake-engine.test.util.js';
import { BAD, smallFile } from './small-models.test.util.js';

let folder: string;
let file: string;
let models: Models;
let running: RunningServer;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd server ü-'));
  file = path.join(folder, 'tray.safetensors');
  await writeFile(file, await smallFile());
  await useBackend('wasm');
  models = await openModels([file], { workers: 1 });
  running = await listen(createApp(models, { log: keptLog().log, feedback: true }), { port: 0 });
}, 120_000);

afterAll(async () => {
  await running.close();
  await models.close();
  await rm(folder, { recursive: true });
});

const png = (bytes: Uint8Array): RequestInit => ({
  method: 'POST',
  body: new Uint8Array(bytes),
  headers: { 'content-type': 'image/png' },
});

test('feedback teaches the model, writes its file, and the next version answers', async () => {
  const before = models.get('tray').current();
  const score = async (): Promise<{ version: string; score: number; threshold: number }> => {
    const answer = (await (await fetch(`${running.url}/v1/predict`, png(BAD))).json()) as {
      version: string;
      predictions: { score: number; threshold: number }[];
    };
    return { version: answer.version, ...answer.predictions[0]! };
  };
  const { threshold } = await score();
  const response = await fetch(`${running.url}/v1/models/tray/feedback`, png(BAD));
  const lesson = (await response.json()) as Record<string, unknown>;
  const { id } = models.get('tray').current();
  expect(lesson).toMatchObject({ model: 'tray', version: id, images: 1, alarms: { before: 1, after: 0 } });
  expect(id).not.toBe(before.id);
  const after = await score();
  expect(after.version).toBe(id);
  expect(after.score).toBeLessThan(threshold);
  // The file holds the lesson: a new server gives the same version.
  const digest = Buffer.from(await crypto.subtle.digest('SHA-256', await readFile(file))).toString('hex');
  expect(digest.startsWith(id)).toBe(true);
}, 120_000);
