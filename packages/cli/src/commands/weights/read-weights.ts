import type { StateDict } from '@dskd/weights';

export interface ReadTensors {
  readonly tensors: StateDict;
  /** Whether they lie inside a checkpoint. */
  readonly wrapped: boolean;
}

/**
 * The tensors under their names as they stand or, where the file is a checkpoint, those inside it.
 * @param unwrap as for `readStateDict`, where it was asked for
 */
export async function readTensors(bytes: Uint8Array, unwrap: boolean | string = false): Promise<ReadTensors> {
  const { readStateDict } = await import('@dskd/weights');
  if (unwrap !== false) return { tensors: readStateDict(bytes, { unwrap }), wrapped: true };
  try {
    return { tensors: readStateDict(bytes), wrapped: false };
  } catch (error) {
    try {
      return { tensors: readStateDict(bytes, { unwrap: true }), wrapped: true };
    } catch {
      throw error;
    }
  }
}
