import { DskdError } from '@dskd/base';
import type { Comparison } from '@dskd/onnx';
import type { ExportedFile } from '@dskd/onnx/node';
import { defineCommand } from '../define-command.js';
import { boolean, choice, option, text, type OptionValues } from '../options/option.js';
import {
  backendOption,
  MODEL_ARGUMENT,
  outputOptions,
  pluginOption,
  teacherWeightsOption,
} from '../options/shared.js';
import { printJson, printLine } from '../output/print.js';

const exportOptions = {
  to: option(text().optional(), 'the file to write', {
    main: true,
    group: 'Result',
    value: 'file',
    path: true,
    defaultText: 'the name of the model, with .onnx',
    example: 'model.onnx',
  }),
  verify: option(
    text().optional(),
    'score these images by the model and by the export, and write nothing if they differ; needs onnxruntime-node',
    { main: true, group: 'Result', value: 'dir', path: true, example: 'images/test' },
  ),
  masks: option(
    boolean().default(false),
    'give the graph an input that says which pixels of each image count; it has it always where the model letterboxes',
    { group: 'Result' },
  ),
  externalData: option(
    choice('auto', 'always', 'never').default('auto'),
    'write the values to a second file, FILE.data: auto where they are too large for one file, at 2 GiB',
    { value: 'when', group: 'Result' },
  ),
  weights: teacherWeightsOption,
  backend: backendOption,
  plugin: pluginOption,
  ...outputOptions('the result as one line of JSON'),
};

type ExportOptions = OptionValues<typeof exportOptions>;

export const exportCommand = defineCommand({
  name: 'export',
  summary: 'write a model as one ONNX file: teacher, method, normalization, smoothing and score',
  arguments: [MODEL_ARGUMENT],
  options: exportOptions,
  run: async (options, [model], signal) => runExport(model!, options, signal),
});

async function runExport(model: string, options: ExportOptions, signal: AbortSignal): Promise<void> {
  const { verify, masks, externalData, json, to = model.replace(/(\.[^./\\]*)?$/, '.onnx') } = options;
  const { assertWritable, listImages } = await import('@dskd/data/node');
  const { exportDetectorFile } = await import('@dskd/onnx/node');
  const { loadModel } = await import('../models.js');
  await assertWritable(to);
  // Before the model is loaded: what is missing for a comparison should be said at once.
  const compare = verify === undefined ? undefined : await comparisonWith(await listImages([verify]), signal);
  const { detector, dispose } = await loadModel(model, options);
  try {
    let comparison: Comparison | undefined;
    const files = await exportDetectorFile(detector, to, {
      masks,
      externalData,
      ...(compare && {
        async check(file) {
          comparison = await compare(detector, file);
          assertEqual(comparison);
        },
      }),
    });
    report(files, comparison, json);
  } finally {
    dispose();
  }
}

type Compare = (
  detector: Parameters<typeof import('@dskd/onnx').comparePredictors>[0],
  file: string,
) => Promise<Comparison>;

/** @throws {DskdError} `dependency-missing`, `dataset-invalid` (no images) */
async function comparisonWith(files: readonly string[], signal: AbortSignal): Promise<Compare> {
  const { decodeImage } = await import('@dskd/data/node');
  const { comparePredictors } = await import('@dskd/onnx');
  const { importOnnxRuntime, loadOnnxDetector } = await import('@dskd/onnx/runtime');
  await importOnnxRuntime();
  if (files.length === 0) {
    throw new DskdError('dataset-invalid', 'Got no images to compare model and export with.', {
      hint: 'Give a folder of images, good and bad, that the model would be used on: --verify DIR.',
    });
  }
  return async (detector, file) => {
    const exported = await loadOnnxDetector(file);
    async function* images() {
      for (const file of files) yield await decodeImage(file, { intensityRange: detector.intensityRange });
    }
    return comparePredictors(detector, exported, images(), { signal }).finally(() => exported.dispose());
  };
}

function assertEqual(comparison: Comparison): void {
  if (comparison.equal) return;
  throw new DskdError(
    'not-exportable',
    `The export does not give the scores of the model: ${inWords(comparison)}.`,
    {
      hint: 'Nothing was written. Please report this with the model.',
      details: { ...comparison },
    },
  );
}

function inWords({ images, score, map, verdicts, regions, tolerance }: Comparison): string {
  return (
    `over ${images} ${images === 1 ? 'image' : 'images'} scores differ by ${score.toExponential(1)} at most and maps by ` +
    `${map.toExponential(1)} of their range (allowed ${tolerance}), ${verdicts} verdicts and ${regions} lists of regions differ`
  );
}

function report(
  [model, values]: readonly ExportedFile[],
  comparison: Comparison | undefined,
  json: boolean,
): void {
  if (json) {
    printJson({
      type: 'model-exported',
      ...model,
      ...(values && { externalData: values }),
      ...(comparison && { comparison }),
    });
    return;
  }
  const sized = ({ path, bytes }: ExportedFile): string => `${path}, ${(bytes / 2 ** 20).toFixed(1)} MiB`;
  printLine(`exported ${sized(model!)}`);
  if (values) printLine(`with its values in ${sized(values)}: keep both in one folder, under these names`);
  if (comparison) printLine(`compared with the model: ${inWords(comparison)}`);
}
