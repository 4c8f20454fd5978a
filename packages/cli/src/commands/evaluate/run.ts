import { stat } from 'node:fs/promises';
import { assertWritable, decodeMask, writeFileAtomically } from '@dskd/data/node';
import { evaluateDetector, type EvaluatedImage } from '@dskd/detector';
import type { EvaluationResult } from '@dskd/metrics';
import { loadModel } from '../../models.js';
import { assertOutside, openData } from '../../open-data.js';
import { formatTable, printJson, printLine } from '../../output/print.js';
import { progressRenderer } from '../../output/progress.js';
import type { EvaluateOptions } from '../evaluate.js';
import { MapFiles } from './map-files.js';
import { EvaluationReport } from './report.js';
import {
  evaluationCsv,
  evaluationMarkdown,
  evaluationTables,
  headline,
  masksLine,
  thresholdLine,
} from './tables.js';

export async function runEvaluation(
  path: string,
  options: EvaluateOptions,
  signal: AbortSignal,
): Promise<void> {
  for (const file of [options.out, options.csv, options.markdown]) {
    if (file !== undefined) await assertWritable(file);
  }
  const report = options.report === undefined ? undefined : await EvaluationReport.to(options.report, path);
  const { ignoreMask, writeMaps, subsets } = options;
  if (writeMaps !== undefined) await assertOutside(writeMaps, options);
  const source = await openData(options, {
    signal,
    split: 'test',
    ...(subsets !== undefined && { subsets }),
  });
  const ignored = ignoreMask === undefined ? undefined : await decodeMask(ignoreMask);
  const mapFiles = writeMaps === undefined ? undefined : MapFiles.in(writeMaps, source, options.mapsOf);
  const model = await loadModel(path, options);
  try {
    await mapFiles?.assertWritableFor(model.detector.description.branches);
    const started = performance.now();
    const evaluated = await evaluateDetector(model.detector, source, {
      signal,
      ...(ignored && { ignored }),
      ...(!options.json && { onEvent: progressRenderer({ json: false }) }),
      ...((mapFiles ?? report) && {
        async onImage(image: EvaluatedImage) {
          await mapFiles?.write(image);
          await report?.add(model.detector, image, source);
        },
      }),
    });
    const images = evaluated.samples.length;
    const result: FileResult = {
      ...evaluated,
      detector: {
        method: model.detector.description.method,
        bytes: (await stat(path)).size,
        secondsPerImage: Number(((performance.now() - started) / 1000 / images).toPrecision(3)),
      },
    };
    await writeResult(result, options);
    await report?.write(model.detector, { evaluation: result, source, signal });
    if (options.json) printJson(result);
    else printLine(evaluationText(result));
  } finally {
    model.dispose();
  }
}

/** The result with what is known of the file that was evaluated. `dskd compare` reads it. */
interface FileResult extends EvaluationResult {
  readonly detector: {
    readonly method: string;
    /** Of the file. */
    readonly bytes: number;
    /** Reading, scoring and measuring an image, on average. */
    readonly secondsPerImage: number;
  };
}

async function writeResult(
  result: FileResult,
  { out, csv, markdown }: Pick<EvaluateOptions, 'out' | 'csv' | 'markdown'>,
): Promise<void> {
  if (out !== undefined) await writeFileAtomically(out, `${JSON.stringify(result, null, 2)}\n`);
  if (csv !== undefined) await writeFileAtomically(csv, evaluationCsv(result));
  if (markdown !== undefined) await writeFileAtomically(markdown, evaluationMarkdown(result));
}

/** The result as text tables. */
function evaluationText(result: EvaluationResult): string {
  const tables = evaluationTables(result).map(({ header, rows }) => formatTable(header, rows));
  return [headline(result), ...tables, ...masksLine(result), thresholdLine(result)].join('\n\n');
}
