// Writes packages/teacher-tiny/CARD.md from what was recorded: bench/results/teacher-tiny-{distillation,quality}.json.
// node bench/teacher-tiny-card.mjs [--check]   with --check only says whether it is in step (a test of the package does).
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import prettier from 'prettier';

const readJson = async (name) =>
  JSON.parse(await readFile(new URL(`results/teacher-tiny-${name}.json`, import.meta.url), 'utf8'));

const table = (head, rows) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

const number = (value) => value.toFixed(4);

const NAMES = {
  'teacher-tiny': 'teacher-tiny',
  squeezenet1_1: 'SqueezeNet 1.1 (ImageNet)',
  resnet50_v1: 'ResNet-50 v1 (ImageNet)',
  random: 'the same network, random weights',
};

function qualityTables({ cells }, sha256) {
  const current = cells.filter(
    ({ teacher, teacherSha256 }) => teacher !== 'teacher-tiny' || teacherSha256 === sha256,
  );
  const order = Object.keys(NAMES);
  const rows = (size) =>
    current
      .filter((cell) => cell.size === size)
      .sort(
        (a, b) => order.indexOf(a.teacher) - order.indexOf(b.teacher) || a.category.localeCompare(b.category),
      )
      .map(({ teacher, category, image, pixel }) => [
        NAMES[teacher],
        category,
        ...['local', 'global', 'fused'].map((branch) => number(image[branch])),
        ...['local', 'global', 'fused'].map((branch) => number(pixel[branch])),
      ]);
  const sizes = [...new Set(current.map(({ size }) => size))].sort((a, b) => a - b);
  const head = [
    'teacher',
    'category',
    ...['image', 'pixel'].flatMap((of) => ['local', 'global', 'fused'].map((b) => `${of} ${b}`)),
  ];
  return sizes.map((size) => {
    const { epochs, batchSize, steps } = current.find((cell) => cell.size === size);
    return `### ${size} px: ${epochs} epochs, ${steps} steps of ${batchSize}\n\n${table(head, rows(size))}`;
  });
}

function gaussianTable({ gaussian }, sha256) {
  const current = gaussian.filter(
    ({ teacher, teacherSha256 }) => teacher !== 'teacher-tiny' || teacherSha256 === sha256,
  );
  return table(
    ['teacher', 'size', 'bottle', 'transistor', 'mean'],
    current.map(({ teacher, size, imageAuroc: { bottle, transistor } }) => [
      NAMES[teacher],
      `${size} px`,
      number(bottle),
      number(transistor),
      number((bottle + transistor) / 2),
    ]),
  );
}

function runText({ command, minutes, remark, record }) {
  const { images, seed, steps, batchSize, size, learningRate, heldOut, curve, drawn } = record;
  return `\`\`\`sh
${command}
\`\`\`

Seed ${seed}, ${steps} steps of ${batchSize} images of ${size} px (${drawn} drawn, a share of ${images.proceduralFraction} made up), Adam at ${learningRate}, ${minutes} minutes.${remark ? ` ${remark}` : ''}
Final held-out errors: ${Object.entries(heldOut.levels)
    .map(([level, value]) => `${level} ${number(value)}`)
    .join(', ')}; mean ${number(heldOut.mean)}.

${table(
  ['step', 'training loss', ...Object.keys(heldOut.levels), 'mean held-out error'],
  curve.map((point) => [
    point.step,
    number(point.loss),
    ...Object.values(point.heldOut.levels).map(number),
    number(point.heldOut.mean),
  ]),
)}`;
}

/** The card as it should be. */
async function card() {
  const { sha256, bytes, runs, madeOf } = await readJson('distillation');
  const quality = await readJson('quality');
  const { teacher, images } = runs.at(-1).record;
  const text = `<!-- Written by bench/teacher-tiny-card.mjs from bench/results/teacher-tiny-*.json. -->

# Card of teacher-tiny, the weights in @dskd/teacher-tiny

${(bytes / 1e6).toFixed(2)} MB of safetensors, filters in float16, vectors in float32. 1.08 M parameters, 0.66 GMAC at 256 px.
SHA-256 \`${sha256}\`.

Meant as the frozen feature extractor of an anomaly detector. It does not classify anything, and its features were never
tested for anything else.

## What went in

${table(
  ['what', 'from', 'license'],
  madeOf.map(({ what, origin, license }) => [what, origin, license]),
)}

No image of MVTec AD, MVTec LOCO AD or \`@dskd/synthetic\` was used. SHA-256 of the teacher's file
\`${teacher.sha256}\`, of the list of photos \`${images.photosSha256}\`. The weights in this package are under Apache-2.0,
as the package.

## How it was made

The loss is the mean squared error of standardized features, summed over three levels; held-out errors are means per
level on ${images.heldOut} images that were not trained on, half of them crops of ${images.heldOutPhotos} photo never seen. 1 is to predict the
mean that features have over all images trained on.${runs.length > 1 ? ' Each run started from the file of the one before; errors at different sizes are not comparable.' : ''}

${runs.map(runText).join('\n\n')}

## How good it is

AUROC of images and of pixels (at the network's size) on two categories of MVTec AD, by teacher: the same \`nano\`
students, the same images and the same short budget for each, batch norm re-estimated, seed ${quality.training.seed}. These are comparisons of
teachers, not the best that a detector can do. \`node bench/teacher-tiny.mjs\`.

${qualityTables(quality, sha256).join('\n\n')}

### Without students

Image AUROC of a diagonal Gaussian on levels 2 and 3 (\`bench/gaussian-detector.mjs\`): what the features alone say.

${gaussianTable(quality, sha256)}
`;
  const target = fileURLToPath(new URL('../packages/teacher-tiny/CARD.md', import.meta.url));
  return {
    target,
    text: await prettier.format(text, { ...(await prettier.resolveConfig(target)), parser: 'markdown' }),
  };
}

const { target, text } = await card();
if (!process.argv.includes('--check')) {
  await writeFile(target, text);
  console.log(`wrote ${target}`);
} else if ((await readFile(target, 'utf8')) !== text) {
  console.error(`${target} is not what was recorded: node bench/teacher-tiny-card.mjs`);
  process.exitCode = 1;
}
