import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { DskdError } from '@dskd/base';
import { backboneName } from '@dskd/models';
import type { TeacherFile } from '../facts.js';

/**
 * A teacher's weight file, by what it holds.
 * @throws {DskdError} `file-not-found`, `invalid-argument` (no such backbone)
 */
export async function teacherFile(name: string, file: string): Promise<TeacherFile> {
  const known = backboneName(name);
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw new DskdError('file-not-found', `Cannot read the teacher's weights, ${file}.`, {
      hint: 'pullWeights of @dskd/weights/node downloads the weights it knows.',
      details: { teacher: known, file },
      cause,
    });
  });
  return { name: known, file, sha256: createHash('sha256').update(bytes).digest('hex') };
}
