import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { decodeImage } from '@dskd/data/node';
import type { EvaluationResult } from '@dskd/metrics';
import sharp from 'sharp';
import { dskd, jsonLines, spawnDskd, type Outcome } from './dskd-process.test.util.js';
import { writeDataset, writeTeacher } from './made-up-dataset.test.util.js';
import { VERSION } from './version.js';

let folder: string;
let data: string;
let weights: string;
let model: string;
let interrupted: Outcome;
let modelAfterInterrupt: boolean;
let trained: Outcome;

const trainingPage = (): string => path.join(folder, 'training.html');

const train = (out: string, ...more: string[]): string[] =>
  ['train', '--data', data, '--teacher', 'squeezenet1_1', '--weights', weights, '--out', out].concat(
    // Of two levels the students are smaller.
    ['--levels', 'features.4,features.7', '--size', '32', '--preset', 'nano', '--epochs', '2'],
    ['--batch-size', '3', '--reestimate-batch-norm'],
    more,
  );

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd cli ü-'));
  data = path.join(folder, 'good parts');
  weights = path.join(folder, 'teacher ö.safetensors');
  model = path.join(folder, 'modèle.safetensors');
  await writeDataset(data);
  await writeTeacher(weights);
  const checkpoint = ['--checkpoint', path.join(folder, 'run.checkpoint')];
  interrupted = await spawnDskd(train(model, ...checkpoint, '--json'), {
    onStart(child) {
      let told = false;
      child.stdout!.on('data', (chunk: string) => {
        // Sent once: a second Ctrl-C would end the process immediately.
        if (!told && chunk.includes('"step-end"')) told = child.kill('SIGINT');
      });
    },
  });
  modelAfterInterrupt = existsSync(model);
  trained = await spawnDskd(train(model, ...checkpoint, '--report', trainingPage()));
}, 120_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

test('Ctrl-C ends training cleanly: a checkpoint, no model, exit code 130', () => {
  expect(interrupted.code).toBe(130);
  const lines = jsonLines(interrupted.stdout);
  expect(lines.map(({ type }) => type)).toContain('checkpoint-saved');
  expect(lines.at(-1)).toMatchObject({ type: 'error', code: 'aborted' });
  expect(modelAfterInterrupt).toBe(false);
});

test('train resumes from the checkpoint, prints what it reads, does and saves; without a terminal, no escape sequences', async () => {
  expect(trained).toMatchObject({ code: 0 });
  expect(trained.stderr).toContain('train');
  expect(trained.stderr).toMatch(/epoch 2\/2: local \S+ {2}global \S+ {2}[\d.]+ steps\/s, 0s left/);
  expect(trained.stdout).toContain(`saved ${model}`);
  const page = await readFile(trainingPage(), 'utf8');
  for (const part of ['Loss of the local student', 'id="calibration"', '--report evaluation.html']) {
    expect(page).toContain(part);
  }
  expect(trained.stdout).toContain('1 good image is too few to guarantee 5 %');
  for (const escape of ['\r', '\x1b']) expect(trained.stderr + trained.stdout).not.toContain(escape);
});

test('a config file with relative paths gives the same file as flags; an uninterrupted run in one thread gives that of an interrupted run in two', async () => {
  const config = path.join(folder, 'dskd.yaml');
  await dskd('init', '--out', config);
  const chosen = {
    data: 'good parts',
    teacher: 'squeezenet1_1',
    levels: 'features.4,features.7',
    weights: 'teacher ö.safetensors',
    out: 'again.safetensors',
    size: '32',
    preset: 'nano',
    epochs: '7',
    batchSize: '3',
    reestimateBatchNorm: 'true',
    workers: 'false',
  };
  let text = await readFile(config, 'utf8');
  for (const [key, value] of Object.entries(chosen)) {
    text = text.replace(new RegExp(`^#${key}: .*$`, 'm'), `${key}: ${value}`);
  }
  await writeFile(config, text);
  const { code, stdout } = await dskd('train', '--config', config, '--epochs', '2', '--json');
  expect(code).toBe(0);
  const types = jsonLines(stdout).map(({ type }) => type);
  expect(types).toEqual(
    expect.arrayContaining(['training-start', 'step-end', 'epoch-end', 'calibration-start']),
  );
  expect(types.at(-1)).toBe('model-saved');
  const again = path.join(folder, 'again.safetensors');
  expect(Buffer.compare(await readFile(again), await readFile(model))).toBe(0);
});

test('evaluate prints tables, --json the result, --out a file with all scores; CSV, Markdown and maps are written as well', async () => {
  const [out, csv, markdown, maps] = ['result.json', 'result.csv', 'result.md', 'maps'].map((name) =>
    path.join(folder, name),
  );
  const files = ['--out', out!, '--csv', csv!, '--markdown', markdown!];
  const writeMaps = ['--write-maps', maps!, '--maps-of', 'local'];
  const report = ['--report', path.join(folder, 'evaluation.html')];
  const human = await dskd('evaluate', model, '--data', data, ...files, ...writeMaps, ...report);
  expect(human).toMatchObject({ code: 0 });
  expect(human.stdout).toContain('2 good and 2 anomalous test images, 2 with a mask; protocol of MVTec AD');
  expect(human.stdout).toMatch(/fused(?: +[\d.]+){6}\n/);
  const machine = await dskd('evaluate', model, '--data', data, '--json');
  // Each took its own time.
  const withoutTime = (text: string): unknown =>
    JSON.parse(text, (key, value: unknown) => (key === 'secondsPerImage' ? typeof value : value));
  expect(withoutTime(machine.stdout)).toEqual(withoutTime(await readFile(out!, 'utf8')));
  expect(withoutTime(machine.stdout)).toMatchObject({
    detector: { method: 'dskd', bytes: (await stat(model)).size, secondsPerImage: 'number' },
  });
  const compared = await dskd('compare', out!, out!, '--json');
  expect(JSON.parse(compared.stdout)).toMatchObject({
    others: [{ auroc: { difference: 0, pValue: 1 }, changed: [] }],
  });
  expect(await readFile(csv!, 'utf8')).toMatch(/^good parts,mvtec-ad,global,all,,auPro,0.3,[\d.]+,/m);
  expect(await readFile(markdown!, 'utf8')).toContain('| image AUROC by defect | local | global | fused |');
  const page = await readFile(report[1]!, 'utf8');
  for (const part of ['id="curves"', 'Random sample', 'test/spot/001.png', 'data:image/webp', 'sha256 ']) {
    expect(page).toContain(part);
  }
  const tiff = await sharp(path.join(maps!, 'good parts/test/spot/001.tiff')).metadata();
  expect(tiff).toMatchObject({ width: 40, height: 40, channels: 1, depth: 'float' });
  const nowhere = path.join(folder, 'not made');
  const unknown = await dskd(
    'evaluate',
    model,
    '--data',
    data,
    '--write-maps',
    nowhere,
    '--maps-of',
    'lokal',
  );
  expect(existsSync(nowhere)).toBe(false);
  expect(unknown.stderr).toContain('Got maps of "lokal", wanted one of fused, local, global.');
});

test('evaluate --subsets distinguishes logical from structural images', async () => {
  const list = path.join(folder, 'logical.txt');
  await writeFile(list, `${path.basename(data)}/test/spot/001.png\n`);
  const { stdout } = await dskd('evaluate', model, '--data', data, '--subsets', list, '--json');
  const result = JSON.parse(stdout) as EvaluationResult;
  expect(result.samples.map(({ id, defectType }) => [id, defectType])).toEqual([
    ['test/good/000.png', 'good'],
    ['test/good/001.png', 'good'],
    ['test/spot/000.png', 'structural_anomalies'],
    ['test/spot/001.png', 'logical_anomalies'],
  ]);
});

test('predict prints a line of JSON per image; overlays have the size of the image and names that include folders if needed', async () => {
  const out = path.join(folder, 'heat maps');
  const { code, stdout } = await dskd('predict', model, path.join(data, 'test'), '--out', out);
  expect(code).toBe(0);
  const lines = jsonLines(stdout);
  expect(lines).toHaveLength(4);
  for (const line of lines) {
    expect(line).toMatchObject({ verdict: expect.stringMatching(/^(normal|anomalous)$/) as string });
    expect(line.verdict === 'anomalous').toBe((line.score as number) > (line.threshold as number));
    const [defect, name] = String(line.path).split(path.sep).slice(-2);
    expect(line.overlay).toBe(path.join(out, `${defect!}-${path.parse(name!).name}.overlay.png`));
  }
  expect(await readdir(out)).toHaveLength(4);
  expect(await decodeImage(path.join(out, 'good-000.overlay.png'))).toMatchObject({ width: 40, height: 40 });
});

test('a file that is not an image gives a line with an error, the others are scored, and the exit code is 1', async () => {
  const broken = path.join(folder, 'broken.png');
  await writeFile(broken, 'not an image');
  const { code, stdout, stderr } = await dskd('predict', model, broken, path.join(data, 'test/good'));
  expect(code).toBe(1);
  const lines = jsonLines(stdout);
  expect(lines).toHaveLength(3);
  expect(lines.find((line) => line.path === broken)).toMatchObject({ error: { code: 'image-unreadable' } });
  expect(lines.filter((line) => 'score' in line)).toHaveLength(2);
  expect(stderr).toContain('1 of 3 images could not be read');
});

test('a path at which nothing is gives a line with an error, too; where nothing is anywhere, the command ends', async () => {
  const [gone, other] = [path.join(folder, 'gone.png'), path.join(folder, 'other')];
  const { code, stdout, stderr } = await dskd('predict', model, gone, path.join(data, 'test/good'), other);
  expect(code).toBe(1);
  const lines = jsonLines(stdout);
  expect(lines.filter((line) => 'score' in line)).toHaveLength(2);
  expect(lines.filter((line) => 'error' in line)).toMatchObject([
    { path: gone, error: { code: 'file-not-found' } },
    { path: other, error: { code: 'file-not-found' } },
  ]);
  expect(stderr).toContain('2 of 4 images could not be read');
  const none = await dskd('predict', model, gone, other);
  expect({ code: none.code, stdout: none.stdout }).toEqual({ code: 2, stdout: '' });
  expect(none.stderr).toContain(`There is no file or folder ${gone}, ${other}.`);
});

test('an image with scores below the scale is unchanged in its overlay', async () => {
  const out = path.join(folder, 'cold');
  const file = path.join(data, 'test/good/000.png');
  await dskd('predict', model, file, '--out', out, '--threshold', '1000000');
  const overlay = await decodeImage(path.join(out, '000.overlay.png'));
  const image = await decodeImage(file);
  const furthest = Math.max(...Array.from(overlay.data, (value, i) => Math.abs(value - image.data[i]!)));
  expect(furthest).toBeLessThanOrEqual(1);
});

test('predict --watch scores images that are put into a folder; Ctrl-C ends it', async () => {
  const incoming = path.join(folder, 'incoming ä');
  await mkdir(incoming);
  await writeFile(path.join(folder, 'arriving.png'), await readFile(path.join(data, 'test/spot/000.png')));
  const out = path.join(folder, 'watched');
  const outcome = await spawnDskd(['predict', model, '--watch', incoming, '--out', out], {
    onStart(child) {
      // The engine is named before.
      child.stderr!.on('data', (text: Buffer) => {
        if (!text.includes('watching')) return;
        void rename(path.join(folder, 'arriving.png'), path.join(incoming, 'new.png'));
      });
      child.stdout!.once('data', () => child.kill('SIGINT'));
    },
  });
  expect(outcome.code).toBe(130);
  expect(jsonLines(outcome.stdout)).toEqual([
    expect.objectContaining({ path: path.join(incoming, 'new.png'), score: expect.any(Number) as number }),
  ]);
  expect(await readdir(out)).toEqual(['new.png.overlay.png']);
});

test('info prints the description, --json all of it, with the options that determined the result', async () => {
  const human = await dskd('info', model);
  expect(human.stdout).toContain('squeezenet1_1, in the file');
  expect(human.stdout).toContain('trained local and global');
  const machine = await dskd('info', model, '--json');
  const description = JSON.parse(machine.stdout) as { trainings: { options: Record<string, unknown> }[] };
  expect(description).toMatchObject({ inputSize: [32, 32], trainings: [{ fit: { epochs: 2 } }] });
  expect(description.trainings[0]!.options).toMatchObject({
    size: [32, 32],
    preset: 'nano',
    epochs: 2,
    temperature: 1,
    reestimateBatchNorm: true,
    holdOutFraction: 0.1,
  });
  expect(description.trainings[0]!.options).not.toHaveProperty('holdOut');
  expect(machine.stdout).not.toContain(folder);
});

test('calibrate changes the threshold, not the scores', async () => {
  const out = path.join(folder, 'calibrated.safetensors');
  const args = ['--normals', path.join(data, 'train/good'), '--false-alarm-rate', '0.25', '--out', out];
  const { code, stdout } = await dskd('calibrate', model, ...args, '--json');
  expect(code).toBe(0);
  const saved = jsonLines(stdout).at(-1)!;
  expect(saved).toMatchObject({
    type: 'model-saved',
    images: 8,
    // The model has learned most of these images.
    threshold: { falseAlarmRate: 0.25, guaranteed: false },
  });
  const image = path.join(data, 'test/spot/000.png');
  const [before, after] = [await dskd('predict', model, image), await dskd('predict', out, image)].map(
    (outcome) => jsonLines(outcome.stdout)[0]!,
  );
  expect(after!.score).toBe(before!.score);
  expect(after!.threshold).toBe((saved.threshold as { value: number }).value);
  expect(after!.threshold).not.toBe(before!.threshold);
});

test('calibrate accepts images of bad parts, and prints how the threshold was chosen', async () => {
  const out = path.join(folder, 'chosen.safetensors');
  const good = ['--normals', path.join(data, 'train/good'), '--out', out];
  const bad = ['--anomalies', path.join(data, 'test/spot')];
  const human = await dskd('calibrate', model, ...good, ...bad, '--threshold-from', 'f1-max');
  expect(human.code).toBe(0);
  expect(human.stdout).toMatch(/where F1 is highest on 8 good and \d+ bad images; of those \d+ false alarm/);
  expect((await dskd('info', out, '--json')).stdout).toContain('"chosenBy":"f1-max"');
  const costs = ['--threshold-from', 'cost', '--cost-of-a-miss', '1000', '--json'];
  const machine = await dskd('calibrate', model, ...good, ...bad, ...costs);
  expect(jsonLines(machine.stdout).at(-1)).toMatchObject({
    type: 'model-saved',
    threshold: { falseAlarmRate: null, chosenBy: 'cost' },
    chosen: { normals: 8, misses: 0 },
  });
});

test('doctor lists the backends', async () => {
  const { code, stdout } = await dskd('doctor', '--json');
  expect(code).toBe(0);
  const { backends, dskd: version } = JSON.parse(stdout) as {
    backends: { name: string; available: boolean }[];
    dskd: string;
  };
  expect(version).toBe(VERSION);
  expect(backends.find(({ name }) => name === 'wasm')?.available).toBe(true);
});

test('reports a folder of files that are not images', async () => {
  const bad = path.join(folder, 'bad');
  await writeDataset(bad);
  await writeFile(path.join(bad, 'train/good/words.png'), 'not an image');
  const masks = path.join(bad, 'ground_truth/spot');
  await rename(path.join(masks, '001_mask.png'), path.join(masks, '0O1_mask.png'));
  const { code, stderr } = await dskd(...train(model).with(2, bad));
  expect(code).toBe(1);
  expect(stderr).toContain('words.png');
  expect(stderr).toContain('test/spot/001.png');
});

test('reports a missing teacher', async () => {
  const { code, stderr } = await dskd(...train(model).with(4, 'resnet9000'));
  expect(code).toBe(2);
  expect(stderr).toContain('squeezenet1_1');
});

test('the version is that of package.json', async () => {
  const manifest = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  expect(VERSION).toBe(manifest.version);
  expect((await dskd('--version')).stdout.trim()).toBe(VERSION);
});
