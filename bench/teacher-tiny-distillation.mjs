// Puts a file that `dskd distill-teacher` wrote into @dskd/teacher-tiny, and what it was made of and how into
// bench/results/teacher-tiny-distillation.json; then bench/teacher-tiny-card.mjs writes the card.
//
// node bench/teacher-tiny-distillation.mjs FILE --minutes 71 --command "dskd distill-teacher ..." [--remark TEXT]
//   A run that started from another's file stands after that one, which must be the last of those recorded.
import { createHash } from 'node:crypto';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readSafetensors } from '@dskd/weights';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PACKAGE = path.join(ROOT, 'packages/teacher-tiny');

const {
  values: { minutes, command, remark },
  positionals: [file],
} = parseArgs({
  allowPositionals: true,
  options: { minutes: { type: 'string' }, command: { type: 'string' }, remark: { type: 'string' } },
});
if (file === undefined || minutes === undefined || command === undefined) {
  throw new Error('Wanted FILE, --minutes and --command.');
}

const bytes = new Uint8Array(await readFile(file));
const sha256 = createHash('sha256').update(bytes).digest('hex');
const { metadata } = readSafetensors(bytes);
const record = JSON.parse(metadata['dskd-distillation']);

/** Provenance and license of everything that went in; SHA-256 of the rest are in the record. */
const MADE_OF = [
  {
    what: 'features of ResNet-50 v1, layer1 to layer3, trained on ImageNet-1k',
    origin:
      'Keras Applications (convolution biases folded into running_mean), as the metadata of its file say',
    license:
      'the file states none; Keras Applications is under MIT. The images of ImageNet have terms of their own: none is ' +
      'in the weights or here',
  },
  {
    what: `crops of ${record.images.photos + record.images.heldOutPhotos} photos (${record.images.heldOutPhotos} of them held out): astronaut, brick, camera, chelsea, coffee, grass, gravel, hubble_deep_field, moon, retina, rocket`,
    origin: 'sample images as distributed with scikit-image',
    license: "public domain or CC0 according to scikit-image's documentation",
  },
  {
    what: 'made-up images: dead leaves, noise, fractals, text, textured shapes, gradients',
    origin: 'drawn by @dskd/distillation from the seed',
    license: 'Apache-2.0, ours',
  },
];

const RECORDED = path.join(ROOT, 'bench/results/teacher-tiny-distillation.json');
/** The runs that made what this one started from. */
async function earlierRuns(startedFrom) {
  if (!startedFrom) return [];
  const { runs } = JSON.parse(await readFile(RECORDED, 'utf8'));
  if (runs.at(-1).sha256 === startedFrom) return runs;
  throw new Error(`It started from ${startedFrom}; the last run recorded made ${runs.at(-1).sha256}.`);
}

const run = { sha256, command, minutes: Number(minutes), ...(remark !== undefined && { remark }), record };
const result = {
  file: 'packages/teacher-tiny/weights/teacher-tiny.safetensors',
  sha256,
  bytes: bytes.length,
  runs: [...(await earlierRuns(record.startedFrom)), run],
  madeOf: MADE_OF,
};
const target = path.join(PACKAGE, 'weights/teacher-tiny.safetensors');
if (path.resolve(file) !== target) await copyFile(file, target);
await writeFile(
  path.join(PACKAGE, 'src/sha256.ts'),
  `/** SHA-256 of weights/teacher-tiny.safetensors, hexadecimal. Written by bench/teacher-tiny-distillation.mjs. */\nexport const SHA256 = '${sha256}';\n`,
);
await writeFile(RECORDED, `${JSON.stringify(result, null, 2)}\n`);
console.log(`${target}: ${bytes.length} bytes, ${sha256}`);
