import { fromBase64 } from './from-base64.js';
import { SHA256 } from './sha256.js';
import type { TeacherTiny } from './teacher-tiny.js';

export type { TeacherTiny } from './teacher-tiny.js';

/** The embedded teacher; in browsers its weights are a module of their own, imported by the first `load`. */
export function teacherTiny(): TeacherTiny {
  return {
    name: 'teacher-tiny',
    sha256: SHA256,
    load: async () => fromBase64((await import('./weights-base64.js')).WEIGHTS_BASE64),
  };
}
