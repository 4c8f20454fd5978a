import { DskdError } from '@dskd/base';
import { readSafetensors, tensorFiles, writeSafetensors } from '@dskd/weights';
import { z } from 'zod';
import type { Fit, JsonObject, SavedModel } from '../contract.js';

// A training on tiles is two fits, one after the other: its checkpoint holds the model of the first one, once there is
// one, and the checkpoint of the fit that was running.

const METADATA_KEY = 'dskd-tiles';

const schema = z.object({
  format: z.literal(1),
  /** What decides the result of the first fit: its own checkpoint is gone when the second one runs. */
  run: z.record(z.string(), z.json()),
  /** The first fit, where it has ended. */
  first: z
    .object({
      config: z.record(z.string(), z.json()),
      record: z.record(z.string(), z.json()),
      batchSize: z.int().positive().optional(),
      storage: z.enum(['float32', 'float16']).optional(),
    })
    .nullable(),
});

/** A fit that has ended, as a checkpoint keeps it. */
export type EndedFit = Omit<Fit, 'model'> & { readonly saved: SavedModel };

export interface TiledCheckpoint {
  readonly run: JsonObject;
  readonly first: EndedFit | null;
  /** The checkpoint of the fit that was running. */
  readonly running: Uint8Array;
}

export function writeTiledCheckpoint({ run, first, running }: TiledCheckpoint): Uint8Array {
  const { saved, ...rest } = first ?? { saved: undefined };
  const tensors = new Map([...(saved?.tensors ?? [])].map(([name, entry]) => [`first.${name}`, entry]));
  tensors.set('running', { dtype: 'U8', shape: [running.length], data: running });
  const description = { format: 1, run, first: saved ? { ...rest, config: saved.config } : null };
  return writeSafetensors(tensors, { [METADATA_KEY]: JSON.stringify(description) });
}

/**
 * Reads what {@link writeTiledCheckpoint} wrote.
 * @param run what decides the result now.
 * @throws {DskdError} `weights-invalid`, `artifact-invalid`, `invalid-argument` for a checkpoint of another run.
 */
export function readTiledCheckpoint(bytes: Uint8Array, run: JsonObject): TiledCheckpoint {
  const { tensors, metadata } = readSafetensors(bytes);
  const text = metadata[METADATA_KEY];
  const running = tensors.get('running');
  if (text === undefined || !running || !(running.data instanceof Uint8Array)) {
    throw new DskdError(
      'artifact-invalid',
      'Got a file that is no checkpoint of a training on tiles; wanted one.',
      {
        hint: 'A checkpoint goes on with the options it was made with: leave out the tiles, or begin again.',
      },
    );
  }
  const { first, run: before } = tensorFiles.checkMetadata(schema, text, 'checkpoint');
  const differing = [...new Set([...Object.keys(before), ...Object.keys(run)])].filter(
    (key) => JSON.stringify(before[key]) !== JSON.stringify(run[key]),
  );
  // Until the first fit has ended its own checkpoint is compared, which knows what may differ.
  if (first && differing.length > 0) {
    throw new DskdError(
      'invalid-argument',
      `The checkpoint is of another run; these differ: ${differing.join(', ')}.`,
      { hint: 'Resume with the options of the checkpoint, or begin again.', details: { differing } },
    );
  }
  if (!first) return { run: before, first: null, running: running.data };
  const { config, record, batchSize, storage } = first;
  return {
    run: before,
    first: {
      saved: { config, tensors: tensorFiles.tensorsUnder(tensors, 'first') },
      record,
      ...(batchSize !== undefined && { batchSize }),
      ...(storage && { storage }),
    },
    running: running.data,
  };
}
