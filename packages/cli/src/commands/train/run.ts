import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import os from 'node:os';
import { summarize, type ImageSource } from '@dskd/data';
import { assertWritable, decodeMask, writeFileAtomically } from '@dskd/data/node';
import { trainDetector, type Detector, type TrainDetectorOptions } from '@dskd/detector';
import { saveDetectorFile } from '@dskd/detector/node';
import { createMethod, TRAINING_DEFAULTS } from '@dskd/methods';
import { workerRunnerFor } from '@dskd/methods/node';
import type { Teacher } from '@dskd/models';
import { startBackend, teacherOf } from '../../models.js';
import { evaluationData, openData, type DataChoice } from '../../open-data.js';
import { printJson, printLine } from '../../output/print.js';
import { formatDuration, progressRenderer } from '../../output/progress.js';
import { shellQuote } from '../../output/shell-quote.js';
import { printSavedModel } from '../../output/saved-model.js';
import { pluginModules } from '../../plugins.js';
import type { TrainOptions } from '../train.js';
import { printCost } from './cost.js';
import { checkSpace } from './space.js';
import { TrainingReport } from './report.js';
import { augmentationOf, outOf, trainingChoices } from './training-options.js';

export async function runTraining(options: TrainOptions, signal: AbortSignal): Promise<void> {
  const { json, checkpoint, ignoreMask } = options;
  const { needs } = await createMethod(options.method);
  const loadTeacher = needs.teacher ? teacherOf(options) : undefined;
  const out = options.dryRun ? '' : outOf(options.out);
  for (const file of options.dryRun ? [] : [out, checkpoint, options.report]) {
    if (file !== undefined) await assertWritable(file);
  }
  const augmentation = await augmentationOf(options);
  const ignored = ignoreMask === undefined ? undefined : await decodeMask(ignoreMask);
  const source = await openData(options, { signal });
  const backend = await startBackend(options.backend);
  if (!json) {
    process.stderr.write(`${summarize(source).table}\n`);
    process.stderr.write(`backend ${backend.name}\n`);
  }
  const threads = options.workers && backend.name !== 'webgpu' && os.availableParallelism() > 1;
  // Plugins must be loaded in each thread, because they register methods and objectives there.
  const modules = await pluginModules(options.plugin);
  const loaded = await loadTeacher?.();
  const teacher = loaded && (await computedBy(loaded, options, backend.name, json));
  try {
    const choices = trainingChoices(options);
    const training: TrainDetectorOptions = {
      ...choices,
      source,
      ...(teacher && { teacher }),
      input: { ...choices.input, augmentation, ignored },
      execution: { ...choices.execution, ...(threads && { runner: workerRunnerFor({ modules }) }) },
      signal,
    };
    const render = progressRenderer({ json });
    if (options.preset === 'paper' || options.dryRun) await printCost(training, json);
    if (options.dryRun) return;
    await checkSpace(training, { model: out, checkpoint }, render);
    const report = options.report === undefined ? undefined : new TrainingReport(options.report);
    const started = performance.now();
    const detector = await trainDetector({
      ...training,
      testImages: source.samples.filter(({ split }) => split === 'test'),
      ...(checkpoint !== undefined && {
        checkpoint: {
          everyEpochs: options.checkpointEvery,
          save: (bytes: Uint8Array) => writeFileAtomically(checkpoint, bytes),
        },
        ...(existsSync(checkpoint) && { resumeFrom: await readFile(checkpoint) }),
      }),
      onEvent: (event) => {
        render(event);
        report?.listen(event);
      },
    });
    const seconds = (performance.now() - started) / 1000;
    try {
      const { embedTeacher, storage } = options;
      await saveDetectorFile(detector, out, {
        embedTeacher,
        ...(storage && { storage }),
        fallback: os.tmpdir(),
      });
      await report?.write(detector, {
        source,
        evaluate: { model: out, data: options },
        signal,
      });
      await printTrained(detector, { seconds, out, json });
      printSavedModel(detector, out, json);
      if (json) return;
      if ((TRAINING_DEFAULTS.closedForm as readonly string[]).includes(options.method))
        printLine(STUDENTS_INSTEAD);
      printLine(`\n${nextSteps(source, { model: out, data: options })}`);
    } finally {
      detector.dispose();
    }
  } finally {
    teacher?.dispose();
  }
}

/**
 * The teacher with the engine that was asked for.
 * @throws {DskdError} `dependency-missing` where ONNX Runtime was asked for and is not there.
 */
async function computedBy(
  teacher: Teacher,
  { teacherEngine }: TrainOptions,
  backend: string,
  json: boolean,
): Promise<Teacher> {
  // A GPU is faster than ONNX Runtime on the cores beside it.
  const isOnCpu = backend === 'wasm' || backend === 'cpu';
  if (teacherEngine === 'tfjs' || (teacherEngine === 'auto' && !isOnCpu)) return teacher;
  const { importOnnxRuntime, onnxTeacher } = await import('@dskd/onnx/runtime');
  try {
    await importOnnxRuntime();
  } catch (error) {
    if (teacherEngine === 'auto') return teacher;
    teacher.dispose();
    throw error;
  }
  if (!json) process.stderr.write("the teacher's features by ONNX Runtime\n");
  return onnxTeacher(teacher);
}

const STUDENTS_INSTEAD =
  "the paper's students instead, which train for minutes: the same command with --method dskd";

/** Prints which method was trained, how long it took and how large the file is. */
async function printTrained(
  { description }: Detector,
  { seconds, out, json }: { readonly seconds: number; readonly out: string; readonly json: boolean },
): Promise<void> {
  const { size: bytes } = await stat(out);
  const { method, inputSize } = description;
  if (json) {
    printJson({ type: 'model-trained', method, inputSize, seconds, bytes });
    return;
  }
  const mebibytes = `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  printLine(
    `method ${method} at ${inputSize.join(' x ')} pixels: trained and calibrated in ${formatDuration(seconds)}, ${mebibytes}`,
  );
}

export interface NextSteps {
  readonly model: string;
  /** What was trained on. */
  readonly data: DataChoice;
}

/** The commands to use after a training. */
export function nextSteps({ samples }: Pick<ImageSource, 'samples'>, { model, data }: NextSteps): string {
  const file = shellQuote([model]);
  const where = evaluationData(data);
  const anomalies = samples.some(({ split, label }) => split === 'test' && label === 'anomalous');
  const evaluate = anomalies
    ? [
        `  dskd evaluate ${file} ${where} --report report.html`,
        '      how good it is: your data has images of defects to try it on',
      ]
    : [
        `  dskd evaluate ${file} --data FOLDER --report report.html`,
        '      how good it is, once you have images of defects: FOLDER/test/good and FOLDER/test/NAME_OF_A_DEFECT',
      ];
  return [
    'What next:',
    `  dskd predict ${file} NEW_IMAGES --out heat-maps`,
    '      which of them are anomalous, and where',
    `  dskd calibrate ${file} --normals MORE_GOOD_IMAGES`,
    '      a threshold from more good images, without training again; more images make it more reliable',
    ...evaluate,
  ].join('\n');
}
