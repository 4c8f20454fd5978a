import type { Artifact, DetectorDescription } from '@dskd/detector';
import type { DskdConfig } from '@dskd/methods';
import { defineCommand } from '../define-command.js';
import type { OptionValues } from '../options/option.js';
import { outputOptions } from '../options/shared.js';
import { alignedFacts, formatTable, printJson, printLine } from '../output/print.js';

const infoOptions = outputOptions('the whole description as one line of JSON');

export const info = defineCommand({
  name: 'info',
  summary: 'print what a model contains and how it was trained',
  arguments: [['<model>', 'a file that dskd train or dskd export wrote']],
  options: infoOptions,
  run: async (options, [model]) => runInfo(model!, options),
});

async function runInfo(path: string, options: OptionValues<typeof infoOptions>): Promise<void> {
  await (path.toLowerCase().endsWith('.onnx') ? exportedInfo(path, options) : modelInfo(path, options));
}

async function exportedInfo(path: string, { json }: OptionValues<typeof infoOptions>): Promise<void> {
  const { readExported, readPorts } = await import('@dskd/onnx');
  const { readModel } = await import('../models.js');
  const bytes = await readModel(path);
  const { description, externalData } = readExported(bytes);
  const ports = readPorts(bytes);
  if (json) {
    printJson({ ...description, ...ports, ...(externalData && { externalData }) });
    return;
  }
  const rows = [
    ...ports.inputs.map((port) => ['input', port] as const),
    ...ports.outputs.map((port) => ['output', port] as const),
  ];
  const table = formatTable(
    ['graph', 'name', 'type', 'shape'],
    rows.map(([kind, { name, type, shape }]) => [kind, name, type, shape.join(' x ')]),
  );
  const values = externalData
    ? `\n${externalData.location}, beside it: ${mebibytes(externalData.bytes)}`
    : '';
  printLine(`${describeModel(description)}\n\n${table}\n\n${mebibytes(bytes.byteLength)}${values}`);
}

async function modelInfo(path: string, { json }: OptionValues<typeof infoOptions>): Promise<void> {
  const { readArtifact } = await import('@dskd/detector');
  const { readModel } = await import('../models.js');
  const bytes = await readModel(path);
  const { description, tensors } = readArtifact(bytes);
  if (json) {
    printJson(description);
    return;
  }
  printLine(`${describeModel(description)}\n\n${describeTensors(tensors, bytes.byteLength)}`);
}

/**
 * Names of the two numbers that normalize a branch: the value that becomes 0, and the distance from it that becomes
 * 1.
 */
const NORMALIZED_BY = {
  moments: ['mean', 'deviation'],
  quantiles: ['0.9 quantile', 'to the 0.995'],
  'image-scores': ['mean score', 'deviation'],
} as const;

/** Longer lists of numbers are shown by their length, first and last number. */
const SHOWN = 8;

function isLongList(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.length > SHOWN && value.every((item) => typeof item === 'number');
}

/** `{"a":1,"b":{"c":2}}` as `a 1, b.c 2`. */
function inWords(value: unknown, name = ''): string {
  if (isLongList(value)) {
    const [first, last] = [value[0]!, value.at(-1)!].map((number) => number.toPrecision(4));
    return `${name} ${value.length} numbers from ${first} to ${last}`.trim();
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`.trim();
  }
  const parts = Object.entries(value).map(([key, inner]) =>
    inWords(inner, name === '' ? key : `${name}.${key}`),
  );
  return parts.length === 0 ? 'none' : parts.join(', ');
}

function howChosen(
  { chosenBy, falseAlarmRate, guaranteed }: DetectorDescription['threshold'],
  { images, alsoLearned }: DetectorDescription['calibration'],
): string {
  if (chosenBy)
    return `${chosenBy === 'cost' ? 'lowest cost of errors' : 'highest F1'} on examples of bad parts`;
  if (falseAlarmRate === null) return 'set by hand';
  const rate = `false-alarm rate ${falseAlarmRate}`;
  if (images === 'altered') return `${rate}, on altered copies: not guaranteed`;
  if (images === 'training' || alsoLearned !== undefined)
    return `${rate}, on images that were learned: not guaranteed`;
  return `${rate}, ${guaranteed ? 'guaranteed' : 'too few images to guarantee it'}`;
}

function describeIntensities({ intensityRange }: DetectorDescription): [string, string][] {
  if (!intensityRange) return [];
  const [low, high] = intensityRange;
  return [['16-bit values', `${low} to ${high} become 0 to 255; images of 8 bits are refused`]];
}

/** The whole description of a model as text. */
function describeModel(description: DetectorDescription): string {
  const { method, teacher, inputSize, resize, branches, fusion, calibration, threshold, trainings } =
    description;
  const students = describeStudents(description);
  const chosen = howChosen(threshold, calibration);
  const fill = resize.fill === null ? '' : `, border ${resize.fill.join(' ')}`;
  return [
    alignedFacts([
      ['format', String(description.format)],
      ['method', method],
      ...describeTeacher(teacher),
      ['input', `${inputSize[0]} x ${inputSize[1]} pixels, ${resize.fit}, ${resize.filter}${fill}`],
      ...describeIntensities(description),
      ['tiles', describeTiles(description)],
      ['ignored pixels', description.ignored ? 'as the mask in the file says' : 'none'],
      ...describeThumbnails(description),
      ['weights', `stored as ${description.storage}`],
      ['fusion', `${fusion.rule}, sigma ${fusion.sigma}, normalized by ${fusion.normalization}`],
      ['threshold', `${threshold.value} (${chosen})`],
      [
        'calibrated on',
        `${calibration.scores.length} images (${calibration.images}), scores ${describeScores(calibration.scores)}`,
      ],
    ]),
    formatTable(
      ['branch', 'weight', ...NORMALIZED_BY[fusion.normalization], 'normal scores'],
      branches.map(({ name, map, normalization, calibrationScores }) => [
        map ? name : `${name} (no map)`,
        String(fusion.weights[name] ?? 1),
        normalization.offset.toPrecision(4),
        normalization.scale.toPrecision(4),
        describeScores(calibrationScores),
      ]),
    ),
    ...(students === undefined ? [] : [formatTable(['branch', 'student', 'objective'], students)]),
    ...trainings.map(describeTraining),
    ...(description.lessons ?? []).map(describeLesson),
  ].join('\n\n');
}

function describeTiles({ tiles }: DetectorDescription): string {
  return tiles ? `${tiles.size} x ${tiles.size} pixels, overlapping by ${tiles.overlap}` : 'none';
}

function describeThumbnails({ thumbnails, trainings }: DetectorDescription): [string, string][] {
  if (!thumbnails) return [];
  const { width, height } = thumbnails;
  return [['thumbnails', `${height} x ${width} pixels, of ${trainings[0]!.images} training images`]];
}

function describeTeacher(teacher: DetectorDescription['teacher']): [string, string][] {
  if (!teacher) return [['teacher', 'none']];
  const { name, embedded, sha256, levels, inputTransform } = teacher;
  return [
    ['teacher', `${name}, ${embedded ? 'in the file' : 'not in the file'}, SHA-256 ${sha256}`],
    ['levels', levels.map((level) => `${level.name} (${level.channels}, stride ${level.stride})`).join(', ')],
    ['teacher input', inWords(inputTransform)],
  ];
}

/** Preset and objective of each student of the methods `dskd` and `rd`. */
function describeStudents({ method, config, tiles }: DetectorDescription): string[][] | undefined {
  if (method !== 'dskd' && method !== 'rd') return undefined;
  // With tiles there is a model of tiles and one of whole images.
  const configs = (tiles ? [config.tile, config.whole] : [config]) as unknown as (DskdConfig | null)[];
  const branches = configs.flatMap((each) => each?.branches ?? []);
  return branches.map(({ name, student, objective }) => [
    name,
    `${student.preset} ${student.branch}`,
    `${objective.name}${Object.keys(objective.options).length === 0 ? '' : ` (${inWords(objective.options)})`}`,
  ]);
}

function describeScores(scores: readonly number[]): string {
  const sorted = [...scores].sort((a, b) => a - b);
  const at = (index: number): string => sorted[index]!.toFixed(3);
  return `${at(0)} to ${at(sorted.length - 1)}, middle ${at(Math.floor(sorted.length / 2))}`;
}

function describeTraining(training: DetectorDescription['trainings'][number]): string {
  const { branches, images, seed, backend } = training;
  return [
    `trained ${branches.join(' and ')}`,
    alignedFacts([
      ['  images', `${images}, fingerprint ${training.dataFingerprint}`],
      ['  seed', `${seed}, backend ${backend}`],
      ['  fit', inWords(training.fit)],
      ['  augmentation', training.augmentation === null ? 'none' : inWords(training.augmentation)],
      ['  options', inWords(training.options)],
      ['  versions', inWords(training.versions)],
    ]),
  ].join('\n');
}

function describeLesson(
  { images, dataFingerprint, before }: NonNullable<DetectorDescription['lessons']>[number],
  index: number,
): string {
  return [
    `lesson ${index + 1}`,
    alignedFacts([
      ['  images', `${images.length}, fingerprint ${dataFingerprint}`],
      ['  names', images.map(({ id }) => id).join(', ')],
      [
        '  threshold before',
        `${before.threshold.value} (${howChosen(before.threshold, before.calibration)})`,
      ],
    ]),
  ].join('\n');
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

function describeTensors(tensors: Artifact['tensors'], bytes: number): string {
  const elements = [...tensors.values()].reduce((sum, { data }) => sum + data.length, 0);
  return `${tensors.size} tensors, ${elements} values, ${mebibytes(bytes)}`;
}
