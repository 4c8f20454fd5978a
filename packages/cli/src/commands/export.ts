import { DskdError } from '@dskd/base';
import type { Comparison } from '@dskd/onnx';
import { defineCommand } from '../define-command.js';
import { boolean, option, text, type OptionValues } from '../options/option.js';
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
  const { verify, masks, json, to = model.replace(/(\.[^./\\]*)?$/, '.onnx') } = options;
  const { assertWritable, listImages, writeFileAtomically } = await import('@dskd/data/node');
  const { exportDetector } = await import('@dskd/onnx');
  const { loadModel } = await import('../models.js');
  await assertWritable(to);
  // Before the model is loaded: what is missing for a comparison should be said at once.
  const compare = verify === undefined ? undefined : await comparisonWith(await listImages([verify]), signal);
  const { detector, dispose } = await loadModel(model, options);
  try {
    const bytes = await exportDetector(detector, { masks });
    const comparison = await compare?.(detector, bytes);
    if (comparison) assertEqual(comparison);
    await writeFileAtomically(to, bytes);
    report(to, bytes.length, comparison, json);
  } finally {
    dispose();
  }
}

type Compare = (
  detector: Parameters<typeof import('@dskd/onnx').comparePredictors>[0],
  bytes: Uint8Array,
) => Promise<Comparison>;

/** @throws {DskdError} `dependency-missing`, `dataset-invalid` (no images) */
async function comparisonWith(files: readonly string[], signal: AbortSignal): Promise<Compare> {
  const { decodeImage } = await import('@dskd/data/node');
  const { comparePredictors } = await import('@dskd/onnx');
  const { importOnnxRuntime, loadOnnxDetector } = await import('@dskd/onnx/runtime');
  const ort = await importOnnxRuntime();
  if (files.length === 0) {
    throw new DskdError('dataset-invalid', 'Got no images to compare model and export with.', {
      hint: 'Give a folder of images, good and bad, that the model would be used on: --verify DIR.',
    });
  }
  return async (detector, bytes) => {
    const exported = await loadOnnxDetector(bytes, { ort });
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

function report(path: string, bytes: number, comparison: Comparison | undefined, json: boolean): void {
  if (json) {
    printJson({ type: 'model-exported', path, bytes, ...(comparison && { comparison }) });
    return;
  }
  printLine(`exported ${path}, ${(bytes / 2 ** 20).toFixed(1)} MiB`);
  if (comparison) printLine(`compared with the model: ${inWords(comparison)}`);
}
