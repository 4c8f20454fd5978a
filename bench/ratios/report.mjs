// Writes bench/ratios.md and the plot out of bench/results/ratios and bench/results/wasm-gradients.json.
import { readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { writePage } from '../write-page.mjs';
import { growthPlot } from './growth-plot.mjs';

const number = (value) => String(Number(value.toPrecision(3)));
const ratio = (own, other) => (own / other).toFixed(2);
const machineLine = ({ cpu, cores, node, load }) =>
  `${cpu}, ${cores} cores, Node ${node}, load ${load} before`;

function ratioRow(machine, { what, peer, times: { own, peer: other }, wanted }) {
  const cpu = own.cpuSeconds / other.cpuSeconds;
  const cells = [
    what,
    peer,
    `${number(own.seconds)} (${number(own.cpuSeconds)})`,
    `${number(other.seconds)} (${number(other.cpuSeconds)})`,
    ratio(own.seconds, other.seconds),
    ratio(Math.min(...own.rounds), Math.min(...other.rounds)),
    cpu.toFixed(2),
    wanted,
    machine.load,
  ];
  return `| ${cells.join(' | ')} |`;
}

function gradientRows({ summary }) {
  return summary.map(
    ({ stride, forwardOverStock, filterGradientRatio, inputGradientRatio, wanted }) =>
      `| ${stride} | ${forwardOverStock.toFixed(2)} | ${filterGradientRatio.toFixed(2)} | ${inputGradientRatio.toFixed(2)} | ${wanted} |`,
  );
}

const NOTES = `## What was tried, and did not pay

- **Threads of TensorFlow.js's wasm backend in Node.** \`setThreadsCount(2)\` changes nothing: the flag
  \`WASM_HAS_MULTITHREAD_SUPPORT\` is false in Node, so that the build with threads is never loaded. With the flag set by force the
  backend fails to start: it makes its workers from a \`blob:\` URL, which \`worker_threads\` of Node refuses (\`ERR_WORKER_PATH\`).
  Students and images are divided among worker threads instead, each with a memory of its own. Convolutions and products are divided
  among threads since, by [kernels of our own](../docs/decisions/0049-threads-for-our-own-kernels.md).
- **Relaxed SIMD** (fused multiply and add) would be twice as fast at most in products. Node 20 has it behind a flag only, and the
  results would depend on the machine: the same seed would not give the same bytes. No kernel was written.
- **Contextual affinity in ONNX** on 4096 positions: two products of 4096 x 4096 x 40 are 2.7 GFLOP, about 40 ms of one thread. The presets
  \`nano\` and \`lite\` use its limit since ([decision 0053](../docs/decisions/0053-the-limit-of-contextual-affinity.md)); the convolutions of
  teacher and students alone take 24 ms at the rate of the processor, so that 20 ms for a whole detector \`dskd\` cannot be reached.
  \`exp(x) - 1\` by \`Tanh\` took a fifth off the detector. Blocks of 16, 32, 128 and 256 rows instead of 64, and keys that are
  transposed once, were no faster.
- **Convolutions by F(4 x 4, 3 x 3)**, with a quarter of the products of the definition in place of the 4/9 of
  [what is used](../docs/decisions/0052-convolutions-in-tiles.md): its errors of 1e-5 are too near to the tolerance of an exported model. Not built.
- **The teacher in a worker thread** while the thread of the fit computes on the batch before: no faster on two cores, with wasm and with ONNX
  Runtime. The other work on a batch is short beside the teacher's pass, which then has one thread instead of two. (\`run\` of onnxruntime-node
  computes in the thread that calls it, so that nothing can be hidden behind it without a worker.)
- **Counting scores page by page** (AU-sPRO), sorted by page first so that counts stay in the cache: as fast as counting in any order.
- **Batch normalization as one operation** with a kernel of its own: a twentieth of a detector \`dskd\` at most. Scores of older files would lose
  their bits on the stock wasm backend, which rounds otherwise in its kernel.
- **Entry points without the code of training** for \`dskd predict\`: a twelfth fewer modules, and no start that was measurably faster.
- **The coreset in a worker thread** while the other branches of \`instant\` are fitted: a sixteenth off the fit of 200 images in a trial. Both cores
  then share the memory bandwidth that the branches need.
- **Filter gradients by parts of 2048 positions** instead of 512: a sixth faster at most, for sums that are four times as long.
`;

export async function writeReport(folder, page) {
  const results = new Map();
  for (const file of (await readdir(folder)).sort())
    results.set(file.replace('.json', ''), JSON.parse(await readFile(path.join(folder, file), 'utf8')));
  const gradients = JSON.parse(await readFile(path.join(folder, '../wasm-gradients.json'), 'utf8'));
  const all = [...results.values()];
  const { machine } = all[0];
  const lines = [
    '# Ratios',
    '',
    'Made by `npm run bench`, or `node bench/ratios.mjs` and `node bench/ratios.mjs --report`: seconds, medians of rounds in which all',
    `sides take turns. ${machineLine(machine).replace(/, load.*/, '')}; torch ${all.find(({ torch }) => torch).torch}.`,
    '',
    'The load before each part is in its row. Where it is above 3, other jobs ran beside, both sides had the same priority, and PyTorch',
    'with two threads suffered more from the others than we did: the **ratio of the fastest rounds** is then nearest to that of an idle',
    'machine, for which the wanted ratios are meant. In brackets are seconds of the CPU in all threads.',
    '',
    '| what | peer | dskd, s (CPU) | peer, s (CPU) | ratio | ratio of fastest | ratio of CPU | wanted | load |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...all.flatMap(({ machine: own, rows = [] }) => rows.map((row) => ratioRow(own, row))),
    '',
  ];
  const affinity = results.get('affinity');
  if (affinity) {
    const { own, peer, wanted } = affinity.memory;
    lines.push(
      `Contextual affinity adds ${own} MiB to the peak memory of a process that has its inputs, the plain formula ${peer} MiB: ${ratio(own, peer)} (wanted ${wanted}).`,
      '',
    );
  }
  const absolutes = all.flatMap(({ absolute = [] }) => absolute);
  const rates = all.flatMap(({ rates: own = [] }) => own);
  lines.push('## Without a peer', '', '| what | result | wanted |', '| --- | --- | --- |');
  for (const { what, seconds, cpuSeconds, wanted } of absolutes)
    lines.push(`| ${what} | ${number(seconds)} s (CPU ${number(cpuSeconds)} s) | ${wanted} |`);
  for (const { what, perSecond, perTwoCpuSeconds, wanted } of rates)
    lines.push(
      `| ${what}, by 2 workers | ${perSecond} a second; ${perTwoCpuSeconds} in two CPU seconds | ${wanted ? `${wanted} a second` : ''} |`,
    );
  lines.push(
    '',
    '## Convolutions and their gradients on wasm',
    '',
    `Rate of the forward pass divided by that of the stock kernel; of the gradients, divided by that of our forward pass. Geometric means ([script](wasm-gradients.mjs)). ${gradients.machine}.`,
    '',
    '| stride | forward | filter gradient | input gradient | wanted of gradients |',
    '| --- | --- | --- | --- | --- |',
    ...gradientRows(gradients),
    '',
  );
  const growth = results.get('growth');
  if (growth) {
    await writeFile(path.join(path.dirname(page), 'growth.svg'), growthPlot(growth.growth));
    lines.push(
      '## Growth',
      '',
      `CPU seconds of one thread, except workers: those are seconds of the clock. ${machineLine(growth.machine)}.`,
      '',
      '| what | along | from | to | exponent | theory |',
      '| --- | --- | --- | --- | --- | --- |',
      ...growth.growth.map(
        ({ what, along, points, exponent, theory }) =>
          `| ${what} | ${along} | ${points[0].x} | ${points.at(-1).x} | ${exponent} | ${theory} |`,
      ),
      '',
      '![Seconds by size, both axes logarithmic](growth.svg)',
      '',
    );
  }
  lines.push(NOTES);
  await writePage(page, lines.join('\n'));
}
