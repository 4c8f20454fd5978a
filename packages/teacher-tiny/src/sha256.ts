/** Of weights/dskd_tiny.safetensors, hexadecimal. Written by bench/teacher-tiny-distillation.mjs. */
export const SHA256 = '476a5c26d4f6f8ac789d4c7d57714424f854439dacf8e92841a0b3bc230c4da9';
