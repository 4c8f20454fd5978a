import type { EvaluationResult } from '@dskd/metrics';
import { formatScore } from '../format.js';
import { markup, type Html } from '../html.js';
import { table } from '../table.js';
import { outcomeOf } from '../verdict.js';

/** Every test image with its scores, the highest first. */
export function scoresSection(result: EvaluationResult): Html {
  const branches = Object.keys(result.branches);
  const samples = [...result.samples].sort((a, b) => b.score - a.score);
  return markup`<details><summary>All ${samples.length} test images, the highest score first</summary>
${table({
  caption: 'Scores of the test images',
  columns: [
    { title: 'Image' },
    { title: 'Type' },
    { title: 'Verdict' },
    { title: 'fused', numeric: true },
    ...branches.map((name) => ({ title: markup`<bdi>${name}</bdi>`, numeric: true })),
  ],
  rows: samples.map((sample) => {
    const outcome = outcomeOf(sample);
    return [
      markup`<bdi>${sample.id}</bdi>`,
      markup`<bdi>${sample.defectType}</bdi>`,
      markup`<span class="${outcome.right ? 'right' : 'wrong'}">${outcome.sign} ${outcome.name}</span>`,
      formatScore(sample.score),
      ...branches.map((name) => formatScore(sample.branchScores[name] ?? NaN)),
    ];
  }),
})}
</details>`;
}
