import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { dskd } from './dskd-process.test.util.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd compare ü-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

type Score = readonly [id: string, label: 'good' | 'anomalous', score: number];

const SCORES: readonly Score[] = [
  ['test/good/0.png', 'good', 1],
  ['test/good/1.png', 'good', 6],
  ['test/good/2.png', 'good', 2],
  ['test/dent/0.png', 'anomalous', 4],
  ['test/dent/1.png', 'anomalous', 9],
  ['test/dent/2.png', 'anomalous', 7],
];
/** Better: one false alarm and one miss fewer. */
const BETTER = SCORES.map(([id, label, score]): Score => {
  if (id === 'test/good/1.png') return [id, label, 2.5];
  return [id, label, id === 'test/dent/0.png' ? 8 : score];
});

async function evaluation(name: string, scores: readonly Score[], detector?: object): Promise<string> {
  const samples = scores.map(([id, label, score]) => ({
    id,
    label,
    defectType: id.split('/')[1],
    score,
    branchScores: {},
    verdict: score > 5 ? 'anomalous' : 'normal',
  }));
  const wrong = (label: string): number =>
    samples.filter((each) => each.label === label && (each.verdict === 'normal') !== (label === 'good'))
      .length;
  const file = path.join(folder, name);
  await mkdir(path.dirname(file), { recursive: true });
  const result = {
    source: 'bottle',
    protocol: 'mvtec-ad',
    images: { good: 3, anomalous: 3, withMask: 0 },
    fused: { imageAuroc: 0.5, pixelAuroc: null, imageAurocByDefect: { dent: 0.5 } },
    atThreshold: { threshold: 5, falseAlarms: wrong('good'), misses: wrong('anomalous') },
    samples,
    ...(detector && { detector }),
  };
  await writeFile(file, JSON.stringify(result));
  return file;
}

test('prints quality, difference, time and size of each, and the images whose verdict changed', async () => {
  const first = await evaluation('old/result.json', SCORES, {
    method: 'dskd',
    bytes: 2_500_000,
    secondsPerImage: 0.25,
  });
  const second = await evaluation('new/result.json', BETTER);
  const report = path.join(folder, 'comparison.html');
  const { code, stdout, stderr } = await dskd('compare', first, second, '--report', report);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('3 good and 3 anomalous images. Differences are from old/result');
  expect(stdout).toMatch(/^old\/result +dskd +0\.5000 +- +- +- +1 of 3 +1 of 3 +250 +2\.50$/m);
  // AUROC 8/9 and 1.
  expect(stdout).toMatch(
    /^new\/result +- +0\.5000 +\+0\.1111 +-\S+ to \+\S+ +0\.\d{3} +0 of 3 +0 of 3 +- +-$/m,
  );
  expect(stdout).toMatch(/^test\/good\/1\.png +good +new\/result +normal +yes$/m);
  expect(stdout).toMatch(/^test\/dent\/0\.png +dent +new\/result +anomalous +yes$/m);
  expect(stdout).not.toContain('pixel AUROC');
  const page = await readFile(report, 'utf8');
  for (const part of ['Comparison: bottle', 'test/dent/0.png', '+0.1111']) expect(page).toContain(part);

  const machine = await dskd('compare', first, second, first, '--json');
  expect(JSON.parse(machine.stdout)).toMatchObject({
    others: [
      { name: 'new/result', auroc: { first: expect.closeTo(8 / 9, 12) as number, second: 1 } },
      { name: 'old/result', auroc: { difference: 0, pValue: 1 }, changed: [] },
    ],
  });
});

test('what cannot be compared is refused by name, with nothing written', async () => {
  const first = await evaluation('a.json', SCORES);
  const fewer = await evaluation('b.json', SCORES.slice(1));
  const report = path.join(folder, 'comparison.html');
  const other = await dskd('compare', first, fewer, '--report', report);
  expect(other).toMatchObject({ code: 2, stdout: '' });
  expect(other.stderr).toContain('test/good/0.png is in the first only');
  await expect(readFile(report)).rejects.toThrow('ENOENT');

  const text = path.join(folder, 'text.json');
  await writeFile(text, 'none');
  expect((await dskd('compare', first, text)).stderr).toContain('text.json is not JSON');
  await writeFile(text, '{"source": "bottle"}');
  expect((await dskd('compare', first, text)).stderr).toMatch(
    /text\.json is not an evaluation: protocol: .*\n.*evaluate --out/,
  );
  expect((await dskd('compare', first, path.join(folder, 'no.json'))).stderr).toContain('Cannot read');
  expect((await dskd('compare', first)).stderr).toContain("missing required argument 'others'");
});
