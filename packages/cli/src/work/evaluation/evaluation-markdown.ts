import type { EvaluationResult } from '@dskd/detector';
import { evaluationTables, headline, thresholdLine, type Table } from './evaluation-tables.js';

const escaped = (cell: string): string => cell.replaceAll('\\', '\\\\').replaceAll('|', '\\|');
const line = (cells: readonly string[]): string => `| ${cells.map(escaped).join(' | ')} |`;

function markdownTable({ header, rows }: Table): string {
  const isNumber = header.map((_, column) => rows.every((row) => /^(-|[-\d.]+|NaN)$/.test(row[column]!)));
  const rule = `| ${isNumber.map((right) => (right ? '---:' : '---')).join(' | ')} |`;
  return [line(header), rule, ...rows.map(line)].join('\n');
}

/** An evaluation as Markdown: the tables that people are shown. */
export function evaluationMarkdown(result: EvaluationResult): string {
  const tables = evaluationTables(result).map(markdownTable);
  return `${[`# ${result.source}`, `${headline(result)}.`, ...tables, `${thresholdLine(result)}.`].join('\n\n')}\n`;
}
