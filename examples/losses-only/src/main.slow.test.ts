import { execFileSync } from 'node:child_process';

test('the loss goes down', () => {
  const printed = execFileSync(process.execPath, [new URL('./main.js', import.meta.url).pathname], {
    encoding: 'utf8',
  });
  const losses = [...printed.matchAll(/loss (\d+\.\d+)/g)].map(([, loss]) => Number(loss));
  expect(losses).toHaveLength(4);
  expect(losses).toEqual([...losses].sort((a, b) => b - a));
  expect(losses[3]).toBeLessThan(losses[0]! / 2);
});
