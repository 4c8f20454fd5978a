import { readArtifact, type Artifact, type DetectorDescription } from '@dskd/detector';
import type { InfoOptions } from '../options/plain.js';
import { TEACHER_TINY } from '../options/shared.js';
import { formatTable, printJson, printLine } from '../output.js';
import { readModel } from './load-model.js';
import { isDefaultTeacher } from './teacher-choice.js';

/** What of a branch's normal maps goes to 0, and how far above is 1. */
const NORMALIZED_BY = {
  moments: ['mean', 'deviation'],
  quantiles: ['0.9 quantile', 'to the 0.995'],
} as const;

export async function info(path: string, { json }: InfoOptions): Promise<void> {
  const bytes = await readModel(path);
  const { description, tensors } = readArtifact(bytes);
  if (json) printJson(description);
  else printLine(`${describeModel(description)}\n\n${describeTensors(tensors, bytes.byteLength)}`);
}

/** `{"a":1,"b":{"c":2}}` as `a 1, b.c 2`. */
function inWords(value: unknown, name = ''): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`.trim();
  }
  const parts = Object.entries(value).map(([key, inner]) =>
    inWords(inner, name === '' ? key : `${name}.${key}`),
  );
  return parts.length === 0 ? 'none' : parts.join(', ');
}

function aligned(facts: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(...facts.map(([name]) => name.length));
  return facts.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}

function howChosen({ chosenBy, falseAlarmRate, guaranteed }: DetectorDescription['threshold']): string {
  if (chosenBy)
    return `${chosenBy === 'cost' ? 'lowest cost of errors' : 'highest F1'} on examples of bad parts`;
  if (falseAlarmRate === null) return 'set by hand';
  return `false-alarm rate ${falseAlarmRate}, ${guaranteed ? 'guaranteed' : 'too few images to guarantee it'}`;
}

/** Everything a model says about itself, for people. */
function describeModel(description: DetectorDescription): string {
  const { teacher, inputSize, resize, branches, fusion, calibration, threshold, trainings } = description;
  const chosen = howChosen(threshold);
  const fill = resize.fill === null ? '' : `, border ${resize.fill.join(' ')}`;
  return [
    aligned([
      ['format', String(description.format)],
      [
        'teacher',
        `${teacher.name}${isDefaultTeacher(teacher.sha256) ? ` (${TEACHER_TINY})` : ''}, ${teacher.embedded ? 'in the file' : 'not in the file'}, SHA-256 ${teacher.sha256}`,
      ],
      [
        'levels',
        teacher.levels
          .map(({ name, channels, stride }) => `${name} (${channels}, stride ${stride})`)
          .join(', '),
      ],
      ['teacher input', inWords(teacher.inputTransform)],
      ['input', `${inputSize[0]} x ${inputSize[1]} pixels, ${resize.fit}, ${resize.filter}${fill}`],
      ['ignored pixels', description.ignored ? 'as the mask in the file says' : 'none'],
      ['students', `stored as ${description.storage}`],
      [
        'fusion',
        `levels ${fusion.levels}, aligned corners ${fusion.alignCorners}, sigma ${fusion.sigma}, normalized by ${fusion.normalization}`,
      ],
      ['threshold', `${threshold.value} (${chosen})`],
      [
        'calibrated on',
        `${calibration.scores.length} images (${calibration.images}), scores ${describeScores(calibration.scores)}`,
      ],
    ]),
    formatTable(
      ['branch', 'student', 'objective', ...NORMALIZED_BY[fusion.normalization], 'normal scores'],
      branches.map(({ name, student, objective, normalization, calibrationScores }) => [
        name,
        `${student.preset} ${student.branch}`,
        `${objective.name}${Object.keys(objective.options).length === 0 ? '' : ` (${inWords(objective.options)})`}`,
        normalization.offset.toPrecision(4),
        normalization.scale.toPrecision(4),
        describeScores(calibrationScores),
      ]),
    ),
    ...trainings.map(describeTraining),
  ].join('\n\n');
}

function describeScores(scores: readonly number[]): string {
  const sorted = [...scores].sort((a, b) => a - b);
  const at = (index: number): string => sorted[index]!.toFixed(3);
  return `${at(0)} to ${at(sorted.length - 1)}, middle ${at(Math.floor(sorted.length / 2))}`;
}

function describeTraining(training: DetectorDescription['trainings'][number]): string {
  const { branches, epochs, steps, batchSize, images, seed, backend } = training;
  return [
    `trained ${branches.join(' and ')}`,
    aligned([
      ['  images', `${images}, fingerprint ${training.dataFingerprint}`],
      ['  length', `${epochs} epochs, ${steps} steps of ${batchSize}, seed ${seed}, ${backend}`],
      ['  learning rates', inWords(training.learningRates)],
      ['  final losses', inWords(training.finalLosses)],
      ['  batch norm', training.reestimatedBatchNorm ? 're-estimated after training' : 'as training left it'],
      ['  augmentation', training.augmentation === null ? 'none' : inWords(training.augmentation)],
      ['  options', inWords(training.options)],
      ['  versions', inWords(training.versions)],
    ]),
  ].join('\n');
}

function describeTensors(tensors: Artifact['tensors'], bytes: number): string {
  const elements = [...tensors.values()].reduce((sum, { data }) => sum + data.length, 0);
  return `${tensors.size} tensors, ${elements} values, ${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
