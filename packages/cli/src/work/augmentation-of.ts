import { readFile } from 'node:fs/promises';
import { DskdError } from '@dskd/base';
import { assertAugmentation, gcadAugmentation, type Augmentation } from '@dskd/data';
import type { TrainOptions } from '../options/train.js';

/**
 * How training images are varied, from a name, a JSON file or what stands in the config file.
 * @throws {DskdError} `file-not-found`, `invalid-config`
 */
export async function augmentationOf({ augment, category }: TrainOptions): Promise<Augmentation | undefined> {
  if (augment === 'none') return undefined;
  if (augment === 'gcad') return gcadAugmentation(category);
  const value: unknown = typeof augment === 'string' ? await readJson(augment) : augment;
  assertAugmentation(value);
  return value;
}

async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new DskdError('file-not-found', `Got ${path} for --augment, wanted none, gcad or a JSON file.`, {
      cause,
    });
  });
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new DskdError('invalid-config', `${path} is not JSON: ${(cause as Error).message}.`, {
      hint: 'For example {"rotation": {"degrees": 3}}.',
      cause,
    });
  }
}
