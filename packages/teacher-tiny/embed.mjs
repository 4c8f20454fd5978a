// Writes dist/weights-base64.js, the module with the weight file that browsers import. Part of `npm run build`.
import { mkdir, readFile, writeFile } from 'node:fs/promises';

const weights = await readFile(new URL('weights/teacher-tiny.safetensors', import.meta.url));
const dist = new URL('dist/', import.meta.url);
await mkdir(dist, { recursive: true });
await writeFile(
  new URL('weights-base64.js', dist),
  `export const WEIGHTS_BASE64 = '${weights.toString('base64')}';\n`,
);
