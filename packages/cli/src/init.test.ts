import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { dskd } from './dskd-process.test.util.js';
import { predictOptions } from './commands/predict.js';
import { trainOptions } from './commands/train.js';
import { commentedConfig, editorSchema } from './options/config-template.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd init ü-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('writes the commented options of dskd train', async () => {
  const out = path.join(folder, 'dskd.yaml');
  const { code, stdout } = await dskd('init', '--out', out);
  expect(code).toBe(0);
  expect(stdout).toContain(`wrote ${out}`);
  const written = await readFile(out, 'utf8');
  expect(written).toBe(commentedConfig('train', trainOptions));
  expect(written).toContain('(nano, lite, paper; default nano)\n#preset: nano\n');
  expect(written).toContain(
    '# number of epochs (a whole number, 1 or more; default as many as make 400 steps; 1000 steps for efficientad, 1000 steps for puad, 1000 steps for us, 40 for stfpm, 100 for ae, 100 for vae)\n#epochs: 20\n',
  );
});

test('writes those of another command, with the JSON Schema for editors', async () => {
  const out = path.join(folder, 'predict.yaml');
  const schema = path.join(folder, 'schemas', 'predict.json');
  const { stdout } = await dskd('init', 'predict', '--out', out, '--schema', schema, '--json');
  expect(JSON.parse(stdout)).toEqual({ type: 'config-written', command: 'predict', path: out, schema });
  expect((await readFile(out, 'utf8')).split('\n')[0]).toBe(
    '# yaml-language-server: $schema=./schemas/predict.json',
  );
  expect(JSON.parse(await readFile(schema, 'utf8'))).toEqual(editorSchema('predict', predictOptions));
});

test('keeps existing files unless --force is given', async () => {
  const out = path.join(folder, 'dskd.yaml');
  await writeFile(out, 'epochs: 3\n');
  const { code, stderr } = await dskd('init', '--out', out, '--schema', path.join(folder, 'x.json'));
  expect(code).toBe(2);
  expect(stderr).toContain('--force');
  expect(await readFile(out, 'utf8')).toBe('epochs: 3\n');
  expect(await readdir(folder)).toEqual(['dskd.yaml']);
  expect((await dskd('init', '--out', out, '--force')).code).toBe(0);
  expect(await readFile(out, 'utf8')).toContain('#epochs: 20');
});
