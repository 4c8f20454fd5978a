import { readFile } from 'node:fs/promises';
import { describeReadmeExamples } from '@dskd/test-support';
import { GENERATOR_VERSION } from './generate-scene.js';

describeReadmeExamples(import.meta.url);

interface Baseline {
  readonly generatorVersion: number;
  readonly categories: Record<string, Record<'standard' | 'hard', { largest: Record<string, number> }>>;
}

test("the README's table has the measured values of the bench, for this version and every category", async () => {
  const read = (file: string): Promise<string> => readFile(new URL(file, import.meta.url), 'utf8');
  const results = await read('../../../bench/results/synthetic-baseline.json');
  const { generatorVersion, categories } = JSON.parse(results) as Baseline;
  expect(generatorVersion).toBe(GENERATOR_VERSION);
  const readme = (await read('../README.md')).split('\n');
  for (const [name, levels] of Object.entries(categories)) {
    const measured = [levels.standard, levels.hard].flatMap(({ largest }) =>
      ['structural', 'logical', 'mean'].map((kind) => largest[kind]!),
    );
    const row = readme.find((line) => line.startsWith(`| \`${name}\``) && line.includes('0.'))!;
    const printed = row.split('|').slice(2, -1).map(Number);
    expect(printed.length).toBe(6);
    printed.forEach((value, i) => expect(Math.abs(value - measured[i]!)).toBeLessThanOrEqual(0.0051));
  }
});
