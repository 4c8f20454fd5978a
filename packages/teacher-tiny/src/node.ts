import { readFile } from 'node:fs/promises';
import { SHA256 } from './sha256.js';
import type { TeacherTiny } from './teacher-tiny.js';

export type { TeacherTiny } from './teacher-tiny.js';

/** Returns the embedded teacher. In Node its weights are read from the file in this package. */
export function teacherTiny(): TeacherTiny {
  return {
    name: 'teacher-tiny',
    sha256: SHA256,
    load: async () =>
      new Uint8Array(await readFile(new URL('../weights/teacher-tiny.safetensors', import.meta.url))),
  };
}
