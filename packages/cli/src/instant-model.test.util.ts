import path from 'node:path';
import { dskd } from './dskd-process.test.util.js';
import { writeDataset } from './made-up-dataset.test.util.js';

const OPTIONS = { local: { coreset: { count: 60 } }, global: { components: 2 } };

/** Writes a dataset into `folder` and trains the method `instant` on it, with further flags. */
export async function trainInstant(
  folder: string,
  ...flags: readonly string[]
): Promise<{ readonly data: string; readonly model: string }> {
  const data = path.join(folder, 'parts');
  const model = path.join(folder, 'model.safetensors');
  await writeDataset(data);
  const method = ['--method', 'instant', '--method-options', JSON.stringify(OPTIONS)];
  const { code, stderr } = await dskd(
    ...['train', '--data', data, ...method, '--size', '32', '--hold-out', '0.3', '--out', model, ...flags],
  );
  if (code !== 0) throw new Error(stderr);
  return { data, model };
}
