import { DskdError } from '@dskd/base';
import { readSafetensors, writeSafetensors, type StateDict } from '@dskd/weights';
import { checkMetadata, parseMetadata } from '@dskd/weights';
import { storedAs } from '../student-storage.js';
import {
  RECORD_KEY,
  recordFromFormat1,
  recordSchema,
  type DistillationRecord,
} from './distillation-record.js';

/**
 * A distilled backbone as the bytes of a safetensors file under torch's names: filters in float16, vectors (batch
 * norms and their running statistics) in float32, the record in the metadata.
 */
export function writeDistilledWeights(weights: StateDict, record: DistillationRecord): Uint8Array {
  const stored: StateDict = new Map();
  for (const [name, entry] of weights) stored.set(name, storedAs('float16', name, entry));
  return writeSafetensors(stored, { format: 'pt', [RECORD_KEY]: JSON.stringify(record) });
}

/**
 * Where the weights in a file that {@link distillTeacher} made came from.
 * @throws {DskdError} `weights-invalid`, `artifact-invalid`
 */
export function readDistillationRecord(bytes: Uint8Array): DistillationRecord {
  const text = readSafetensors(bytes).metadata[RECORD_KEY];
  if (text === undefined) {
    throw new DskdError('artifact-invalid', 'The file does not say that it was distilled.', {
      hint: 'Give a file that `dskd distill-teacher` wrote.',
    });
  }
  const parsed = parseMetadata(text, 'weights');
  return checkMetadata(recordSchema, parsed.format === 1 ? recordFromFormat1(parsed) : parsed, 'weights');
}
