import type { FeatureExtractor } from '@dskd/core';
import { createBackbone, type BackboneOptions } from './backbones/create-backbone.js';
import type { BackboneName } from './backbones/registry.js';
import { readStateDict, type StateDict } from '@dskd/weights';

/** A frozen feature extractor and where it came from. */
export interface Teacher {
  readonly extractor: FeatureExtractor;
  /**
   * SHA-256 of the weight file, 64 hexadecimal digits: what an artifact without the teacher inside asks for. Of a
   * model of your own, a hash of all that decides its features; `readTfjsModel` of `@dskd/models/node` gives one.
   */
  readonly sha256: string;
  /** The file's tensors, where the teacher is one of our backbones: an artifact can hold them. */
  readonly weights?: StateDict;
  dispose(): void;
}

/** Hexadecimal. */
async function sha256Of(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** What may differ from the backbone's own levels and input transform. */
export type TeacherOptions = Omit<BackboneOptions, 'weights'>;

/**
 * Makes one of our backbones from the bytes of a weight file.
 * @param options levels and input transform, where they are not the backbone's own. Deeper levels alone let the
 * images be larger for the same work.
 * @returns a teacher; who called this disposes it.
 * @throws {DskdError} `weights-invalid`, `weights-mismatch`, `invalid-argument` (no such backbone).
 */
export async function loadTeacher(
  name: BackboneName,
  bytes: Uint8Array,
  options: TeacherOptions = {},
): Promise<Teacher> {
  const weights = readStateDict(bytes);
  return namedTeacher(name, weights, await sha256Of(bytes), options);
}

/** {@link loadTeacher} from tensors in memory, whose file had the hash `sha256`. */
export function namedTeacher(
  name: BackboneName,
  weights: StateDict,
  sha256: string,
  options: TeacherOptions = {},
): Teacher {
  const extractor = createBackbone(name, { ...options, weights });
  return { extractor, sha256, weights, dispose: () => extractor.dispose() };
}
