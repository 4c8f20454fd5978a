import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const importsOf = (file: string): string[] =>
  [...readFileSync(file, 'utf8').matchAll(/(?:from|import\()\s*'([^'.][^']*)'/g)].map((match) => match[1]!);

test('imports only this package, @dskd/base and the resizing: no tfjs and no Node modules', () => {
  const dist = fileURLToPath(new URL('.', import.meta.url));
  const shipped = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.js') && !name.includes('.test.'),
  );
  expect(shipped).toContain('render-report.js');
  const imported = new Set(shipped.flatMap((name) => importsOf(`${dist}/${name}`)));
  expect([...imported].sort()).toEqual(['@dskd/base', '@dskd/core/resize']);
  const resize = fileURLToPath(new URL('../../core/dist/resize-bilinear-antialiased.js', import.meta.url));
  expect(importsOf(resize)).toEqual(['@dskd/base']);
});
