import { base64 } from '@dskd/base';
import { SHA256 } from './sha256.js';
import type { TeacherTiny } from './teacher-tiny.js';

export type { TeacherTiny } from './teacher-tiny.js';

/** Returns the embedded teacher. In browsers its weights are a separate module that the first `load` imports. */
export function teacherTiny(): TeacherTiny {
  return {
    name: 'teacher-tiny',
    sha256: SHA256,
    load: async () => base64.decode((await import('./weights-base64.js')).WEIGHTS_BASE64),
  };
}
