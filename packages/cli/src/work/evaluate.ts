import { assertWritable, decodeMask, openSource, writeFileAtomically } from '@dskd/data/node';
import { evaluateDetector, type EvaluationResult, type ScoreQuality } from '@dskd/detector';
import type { EvaluateOptions } from '../options/evaluate.js';
import { formatTable, printJson, printLine } from '../output.js';
import { progressRenderer } from '../render/progress.js';
import { loadModel } from './load-model.js';

export async function evaluate(path: string, options: EvaluateOptions, signal: AbortSignal): Promise<void> {
  const source = await openSource({
    root: options.data,
    signal,
    ...(options.category !== undefined && { category: options.category }),
    ...(options.subsets !== undefined && { subsets: options.subsets }),
  });
  const { ignoreMask } = options;
  const ignored = ignoreMask === undefined ? undefined : await decodeMask(ignoreMask);
  if (options.out !== undefined) await assertWritable(options.out);
  const model = await loadModel(path, options);
  try {
    const result = await evaluateDetector(model.detector, source, {
      signal,
      ...(ignored && { ignored }),
      ...(!options.json && { onEvent: progressRenderer({ json: false }) }),
    });
    if (options.out !== undefined) {
      await writeFileAtomically(
        options.out,
        new TextEncoder().encode(`${JSON.stringify(result, null, 2)}\n`),
      );
    }
    if (options.json) printJson(result);
    else printLine(describe(result));
  } finally {
    model.dispose();
  }
}

/** The result as tables for people. */
function describe(result: EvaluationResult): string {
  const { pictures, atThreshold } = result;
  const scores: [string, ScoreQuality][] = [...Object.entries(result.branches), ['fused', result.fused]];
  const number = (value: number): string => value.toFixed(4);
  const defects = Object.keys(result.fused.imageAurocByDefect).sort();
  return [
    `${result.source}: ${pictures.good} good and ${pictures.anomalous} anomalous test pictures, ${pictures.withMask} with a mask`,
    '',
    formatTable(
      ['score', 'image AUROC', 'average precision', 'F1-max', 'pixel AUROC'],
      scores.map(([name, quality]) => [
        name,
        number(quality.imageAuroc),
        number(quality.imageAveragePrecision),
        number(quality.imageF1Max),
        number(quality.pixelAuroc),
      ]),
    ),
    '',
    formatTable(
      ['image AUROC by defect', ...scores.map(([name]) => name)],
      defects.map((defect) => [
        defect,
        ...scores.map(([, quality]) => number(quality.imageAurocByDefect[defect]!)),
      ]),
    ),
    '',
    `at threshold ${atThreshold.threshold.toFixed(4)}: ${atThreshold.falseAlarms} of ${pictures.good} good pictures ` +
      `raise a false alarm, ${atThreshold.misses} of ${pictures.anomalous} anomalous ones are missed`,
  ].join('\n');
}
