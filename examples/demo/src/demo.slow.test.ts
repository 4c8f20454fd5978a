import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

const PROGRAM = path.join(import.meta.dirname, 'main.js');
/** As small as it gets: nothing is learned, everything is written. */
const SMALL = ['--train', '8', '--validation', '4', '--test', '6', '--epochs', '1'];

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** Runs the demo; `until` is a text on standard error at which it is interrupted. */
function run(options: readonly string[], until?: string): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [PROGRAM, ...SMALL, ...options]);
    let output = '';
    let told = false;
    const hear = (part: Buffer): void => {
      output += part.toString();
      // Once: a second Ctrl-C ends the process at once.
      if (!told && until !== undefined && output.includes(until)) told = child.kill('SIGINT');
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

let root: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'dskd-demo-'));
});
afterEach(() => rm(root, { recursive: true }));

test('writes both models, scores and a page that shows every test image; a second run replaces it', async () => {
  const out = path.join(root, 'demo');
  const first = await run(['--out', out, '--seed', '5']);
  expect(first.code).toBe(0);
  const aurocs = (name: string): number =>
    [...first.output.matchAll(new RegExp(`^  ${name} +\\d\\.\\d{3} +\\d\\.\\d{3} +\\d\\.\\d{3}$`, 'gm'))]
      .length;
  expect(['local', 'global', 'fused', 'pooled'].map(aurocs)).toEqual([2, 2, 2, 1]);
  expect(first.output).toMatch(/^ {2}instant, image AUROC +structural +logical +mean$/m);
  expect(first.output.match(/trained and calibrated in \d+ s/g)).toHaveLength(2);
  const models = ['dskd.safetensors', 'instant.safetensors'];
  const files = ['images', 'index.html', 'scores.csv', 'scores.json', ...models];
  expect((await readdir(out)).sort()).toEqual(files.sort());
  for (const model of models) expect((await stat(path.join(out, model))).size).toBeGreaterThan(1e6);

  const csv = (await readFile(path.join(out, 'scores.csv'), 'utf8')).trimEnd().split('\n');
  expect(csv[0]).toBe(
    'image,label,kind,anomaly,instant verdict,instant fused,instant local,instant global,instant pooled,' +
      'dskd verdict,dskd fused,dskd local,dskd global',
  );
  expect(csv.length).toBe(1 + 6);
  const page = await readFile(path.join(out, 'index.html'), 'utf8');
  for (const id of csv.slice(1).map((line) => line.split(',')[0]!)) {
    expect(page).toContain(`alt="Image ${id}"`);
    for (const map of ['local', 'global', 'fused', 'dskd local', 'dskd global', 'dskd fused']) {
      expect(page).toContain(`alt="Map ${map} over ${id}:`);
    }
    expect(page.includes(`alt="Contour of the defect in ${id}"`)).toBe(!id.startsWith('test/good'));
  }

  for (const row of ['instant: pooled', 'instant: fused', 'dskd: local', 'dskd: fused']) {
    expect(page).toContain(`<th scope="row">${row}</th>`);
  }

  const result = JSON.parse(await readFile(path.join(out, 'scores.json'), 'utf8')) as Record<string, unknown>;
  expect(result).toMatchObject({
    settings: { seed: 5, category: 'tray' },
    teacher: { name: 'teacher-tiny' },
  });
  const method = { evaluation: { protocol: 'mvtec-loco-ad', images: { good: 2, anomalous: 4 } } };
  expect(result['methods']).toMatchObject({ instant: method, dskd: { ...method, steps: 1 } });

  expect((await run(['--out', out, '--category', 'bag'])).code).toBe(0);
  expect(await readdir(path.join(out, 'images'))).toEqual(['bag']);
  expect(await readdir(root)).toEqual(['demo']);
});

test('Ctrl-C while it trains leaves nothing', async () => {
  const { code, output } = await run(
    ['--out', path.join(root, 'demo'), '--epochs', '200'],
    'Training the local',
  );
  expect(output).toContain('Interrupted: nothing was written.');
  expect(code).toBe(130);
  expect(await readdir(root)).toEqual([]);
});
