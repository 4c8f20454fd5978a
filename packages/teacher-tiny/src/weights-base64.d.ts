/** Of weights/teacher-tiny.safetensors. The module is made by embed.mjs when the package is built. */
export declare const WEIGHTS_BASE64: string;
