import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { randomStream } from '@dskd/base';
import { encodePng } from '@dskd/data/node';
import { backboneWeightShapes } from '@dskd/models';
import { integerFill } from '@dskd/test-support';
import { writeSafetensors } from '@dskd/weights';

async function writePicture(file, seed, faulty) {
  const random = randomStream(seed, 'picture');
  const data = new Uint8Array(48 * 48 * 3);
  for (let i = 0; i < 48 * 48; i++) {
    const [x, y] = [i % 48, Math.floor(i / 48)];
    const value = faulty && x < 16 && y < 16 ? 0 : x > 16 && x < 32 && y > 16 && y < 32 ? 220 : 128;
    data.fill(value + 20 * random.uniform(), i * 3, i * 3 + 3);
  }
  writeFileSync(file, await encodePng({ data, width: 48, height: 48, channels: 3 }));
}

test('the example runs as written, and says something of every picture', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'dskd-example-'));
  try {
    const good = mkdtempSync(path.join(folder, 'good-'));
    const others = mkdtempSync(path.join(folder, 'others-'));
    for (let i = 0; i < 8; i++) await writePicture(path.join(good, `${i}.png`), i, false);
    await writePicture(path.join(others, 'faulty.png'), 50, true);
    await writePicture(path.join(others, 'good.png'), 51, false);
    const weights = path.join(folder, 'teacher.safetensors');
    const entries = [...backboneWeightShapes('squeezenet1_1')].map(([name, shape]) => [
      name,
      { dtype: 'F32', shape, data: integerFill(name, shape) },
    ]);
    writeFileSync(weights, writeSafetensors(new Map(entries)));
    const program = path.join(import.meta.dirname, 'main.mjs');
    const printed = execFileSync(process.execPath, [program, good, weights, others, '2'], {
      encoding: 'utf8',
    });
    expect(printed).toMatch(/faulty\.png: (normal|anomalous), score -?\d/);
    expect(printed).toMatch(/good\.png: (normal|anomalous), score -?\d/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
