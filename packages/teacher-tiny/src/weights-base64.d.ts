/** The bytes of weights/teacher-tiny.safetensors as base64. `embed.mjs` writes the module when the package is built. */
export declare const WEIGHTS_BASE64: string;
