import type { EvaluationResult, ScoreQuality } from '@dskd/detector';
import { Command } from 'commander';
import { interruptible } from '../interrupt.js';
import { formatTable, printJson, printLine } from '../output.js';
import { progressRenderer } from '../render/progress.js';
import { loadModel } from './load-model.js';
import { backendOption, debugOption, jsonOption, weightsOption } from './shared-options.js';

interface EvaluateFlags {
  readonly data: string;
  readonly category?: string;
  readonly weights?: string;
  readonly out?: string;
  readonly backend: string;
  readonly json?: boolean;
}

export function evaluateCommand(): Command {
  return new Command('evaluate')
    .description('score the test pictures of a dataset and compare with its labels and masks')
    .argument('<model>', 'a file that dskd train wrote')
    .requiredOption('--data <dir>', 'MVTec AD folder')
    .option('--category <name>', 'folder inside --data')
    .option('--out <file>', 'write the whole result, with every score, as JSON')
    .addOption(weightsOption())
    .addOption(backendOption())
    .addOption(jsonOption('the result as one line of JSON on standard output'))
    .addOption(debugOption())
    .action((model: string, flags: EvaluateFlags) =>
      interruptible((signal) => evaluate(model, flags, signal)),
    );
}

async function evaluate(path: string, flags: EvaluateFlags, signal: AbortSignal): Promise<void> {
  const [data, { evaluateDetector }] = await Promise.all([
    import('@dskd/data/node'),
    import('@dskd/detector'),
  ]);
  const source = await data.openSource({
    root: flags.data,
    ...(flags.category !== undefined && { category: flags.category }),
  });
  const model = await loadModel(path, flags);
  try {
    const result = await evaluateDetector(model.detector, source, {
      signal,
      ...(!flags.json && { onEvent: progressRenderer({ json: false }) }),
    });
    if (flags.out !== undefined) {
      await data.writeFileAtomically(
        flags.out,
        new TextEncoder().encode(`${JSON.stringify(result, null, 2)}\n`),
      );
    }
    if (flags.json) printJson(result);
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
