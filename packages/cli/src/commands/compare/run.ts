import { assertWritable, writeFileAtomically } from '@dskd/data/node';
import { compareEvaluations } from '@dskd/metrics';
import { renderReport } from '@dskd/report';
import { formatTable, printJson, printLine } from '../../output/print.js';
import { shellQuote } from '../../output/shell-quote.js';
import type { CompareOptions } from '../compare.js';
import { readEvaluations } from './evaluation-file.js';
import { comparisonTables, explanation, type ComparedFile } from './tables.js';

export async function runComparison(
  paths: readonly string[],
  { report, json }: CompareOptions,
): Promise<void> {
  if (report !== undefined) await assertWritable(report);
  const [first, ...others] = await readEvaluations(paths);
  const compared: ComparedFile[] = [
    { file: first! },
    ...others.map((file) => ({ file, comparison: compareEvaluations(first!, file) })),
  ];
  const tables = comparisonTables(compared);
  if (report !== undefined) {
    const page = renderReport({
      title: `Comparison: ${first!.source}`,
      subtitle: explanation(first!),
      comparisons: tables.map(({ title, header, rows }) => ({ title, columns: header, rows })),
      facts: [{ label: 'Command', value: shellQuote(['dskd', ...process.argv.slice(2)]) }],
    });
    await writeFileAtomically(report, page);
  }
  if (json) {
    printJson({
      first: first!.name,
      others: compared.slice(1).map(({ file, comparison }) => ({ name: file.name, ...comparison })),
    });
    return;
  }
  const texts = tables.map(({ title, header, rows }) => `${title}:\n${formatTable(header, rows)}`);
  printLine([explanation(first!), ...texts].join('\n\n'));
}
