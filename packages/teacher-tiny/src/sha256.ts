/** SHA-256 of weights/teacher-tiny.safetensors, hexadecimal. Written by bench/teacher-tiny-distillation.mjs. */
export const SHA256 = 'db4dbcd10bc04270ee8435a038c4eab0d9d73d17926c2a63ae452c20517c804b';
