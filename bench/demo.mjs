// The demo as a newcomer runs it, with three training seeds: image AUROC of each branch and of all together, by
// method, and the seconds. node bench/demo.mjs [--seeds 1,2,3] writes bench/results/demo.json; `npm run demo` first, it
// builds what is run here. What is tuned is tuned on other images (--data-seed 100 and more).
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1,2,3' },
    'data-seed': { type: 'string', default: '7' },
    out: { type: 'string', default: path.join(ROOT, 'bench/results/demo.json') },
  },
});

const mean = (numbers) => Number((numbers.reduce((a, b) => a + b, 0) / numbers.length).toFixed(4));
const PARTS = ['structural', 'logical', 'mean'];

const runs = [];
const folder = await mkdtemp(path.join(os.tmpdir(), 'dskd-bench-demo-'));
try {
  for (const seed of values.seeds.split(',')) {
    const loadBefore = os.loadavg()[0];
    const start = performance.now();
    execFileSync(
      process.execPath,
      ['examples/demo/dist/main.js', '--out', folder, '--seed', seed, '--data-seed', values['data-seed']],
      { cwd: ROOT, stdio: 'inherit' },
    );
    const wholeSeconds = Number(((performance.now() - start) / 1000).toFixed(1));
    const { command, teacher, seconds, methods, generatorVersion, settings } = JSON.parse(
      await readFile(path.join(folder, 'scores.json'), 'utf8'),
    );
    runs.push({
      command: command.replace(` --out ${folder}`, ''),
      generatorVersion,
      settings,
      teacher,
      methods: Object.fromEntries(
        Object.entries(methods).map(([method, { evaluation, ...rest }]) => {
          const { fused, atThreshold, images } = evaluation;
          return [method, { ...rest, pixelAuroc: fused.pixelAuroc, images, atThreshold }];
        }),
      ),
      seconds: { ...seconds, whole: wholeSeconds },
      loadBefore,
    });
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
/** Mean over the runs of what each branch of a method is worth. */
function meanAurocs(method) {
  const each = runs.map((run) => run.methods[method].imageAuroc);
  return Object.fromEntries(
    Object.keys(each[0]).map((branch) => [
      branch,
      Object.fromEntries(PARTS.map((part) => [part, mean(each.map((aurocs) => aurocs[branch][part]))])),
    ]),
  );
}
const over = { instant: meanAurocs('instant'), dskd: meanAurocs('dskd') };
const slowest = Math.max(...runs.map(({ seconds }) => seconds.whole));
await writeFile(
  values.out,
  `${JSON.stringify(
    {
      command: `node bench/demo.mjs --seeds ${values.seeds} --data-seed ${values['data-seed']}`,
      machine: `${os.cpus().length} cores (${os.cpus()[0].model}), node ${process.version}`,
      meanImageAuroc: over,
      goals: [
        { what: 'dskd fused, mean of both kinds', atLeast: 0.9, holds: over.dskd.fused.mean >= 0.9 },
        { what: 'instant fused, mean of both kinds', atLeast: 0.96, holds: over.instant.fused.mean >= 0.96 },
        { what: 'seconds of the slowest run', atMost: 300, holds: slowest <= 300 },
      ],
      runs,
    },
    null,
    2,
  )}\n`,
);
console.log(JSON.stringify(over, null, 2));
