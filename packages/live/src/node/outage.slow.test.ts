import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fakeEngine, keptLog, PushSource } from './live.test.util.js';
import { later } from './real-components.test.util.js';
import { Receiver } from './receiver.test.util.js';
import { runLive } from './run-live.js';
import { parseSink } from './sinks/address.js';

test('a webhook that is down for 30 s gets every alarm, in order, with its id, with the pauses that users have', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'dskd outage-'));
  const receiver = new Receiver();
  await receiver.up();
  const source = new PushSource();
  const { log, lines } = keptLog();
  const running = runLive({
    source,
    sinks: [parseSink(receiver.url, { webhook: 'a secret of at least 16 bytes' })],
    engine: fakeEngine(),
    model: 'tray',
    spool: path.join(folder, 'spool'),
    // The longest pause between two attempts is 30 s.
    graceMs: 60_000,
    log,
    signal: new AbortController().signal,
  });
  for (let second = 0; second < 34; second++) {
    if (second === 2) await receiver.down();
    if (second === 32) await receiver.up();
    source.push(2);
    source.push(2);
    await later(1000);
  }
  source.end();
  const { sinks } = await running;
  const raised = lines.filter(({ message }) => message === 'alarm').map(({ fields }) => fields.id);
  expect(raised).toHaveLength(68);
  expect(receiver.ids).toEqual(raised);
  expect(sinks).toMatchObject([{ delivered: 68, waiting: 0, dropped: 0 }]);
  expect(sinks[0]!.failedAttempts).toBeGreaterThan(3);
  await receiver.down();
  await rm(folder, { recursive: true });
}, 150_000);
