/** Of weights/dskd_tiny.safetensors, hexadecimal. Written by bench/teacher-tiny-distillation.mjs. */
export const SHA256 = 'f895fed6046a3e078ef5664c5b774a04a1fd2d9f6f021a34e54b2fae61b46b85';
