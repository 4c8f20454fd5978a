// Tables in hand-written documents whose numbers come from files that a script wrote. A block stands between
// `<!-- NAME: from FILES -->` and `<!-- end -->`. `node docs/site/blocks.mjs` fails where a block is not what its files
// say; `--renew` writes it.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import prettier from 'prettier';
import limits from '../../.size-limit.js';
import { ROOT } from './routes.mjs';

const read = (file) => JSON.parse(readFileSync(path.join(ROOT, file), 'utf8'));
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const table = (head, rows) => {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
};

/** A file in a cell, as a link from a document. */
const fileLink = (document, file) =>
  `[${path.basename(file)}](${path.posix.relative(path.posix.dirname(document), file)})`;

/** README.md: what a reader wants to know before trying it. */
function numbers(document) {
  const file = 'bench/results/instant.json';
  const { machine, parts } = read(file);
  const seeds = [1, 2, 3];
  const of = (side) => seeds.map((seed) => read(`bench/results/real/transistor-seed${seed}-${side}.json`));
  const ours = of('dskd');
  const torch = of('torch');
  const seconds = ({ commands }) =>
    Object.values(commands).reduce((sum, command) => sum + command.seconds, 0);
  const auroc = ({ evaluation, result }) => (evaluation ?? result).fused.imageAuroc;
  const row = (name, part) => [
    name,
    part.imageAuroc.toFixed(3),
    part.pixelAuroc.toFixed(3),
    `${part.fitSeconds.toFixed(0)} s`,
    `${part.megabytes.toFixed(1)} MB`,
  ];
  const rows = [
    row('bottle of MVTec AD, 128 px', parts.bottle),
    row('transistor of MVTec AD, 128 px', parts.transistor),
    row('drawn tray, 256 px (`npm run demo` draws it)', parts.demo),
  ];
  return [
    table(['`instant` (default)', 'image AUROC', 'pixel AUROC', 'training', 'model file'], rows),
    '',
    `${machine}, WebAssembly, no GPU; one image of 256 px takes ${parts.inference.predictMilliseconds.toFixed(0)} ms ` +
      `(${fileLink(document, file)}, ${fileLink(document, 'bench/instant.md')}). The paper's students (\`dskd\`) on ` +
      `transistor, mean of ${seeds.length} seeds: image AUROC ${mean(ours.map(auroc)).toFixed(3)} in ` +
      `${mean(ours.map(seconds)).toFixed(0)} s; the same computation in PyTorch on the same machine: ` +
      `${mean(torch.map(auroc)).toFixed(3)} in ${mean(torch.map(seconds)).toFixed(0)} s ` +
      `(${fileLink(document, 'bench/real.md')}). Image AUROC: 1 is perfect, 0.5 is chance.`,
  ].join('\n');
}

/** docs/method.md: what the detectors of its images scored. */
function runs() {
  const results = read('docs/images/runs.json');
  return Object.entries(results)
    .map(([method, { images, size, goodImages, heldOut, threshold, seconds }]) => {
      const branches = Object.keys(images[0].branches);
      const rows = images.map(({ anomaly, branches: scores, score, verdict }) => [
        anomaly.replaceAll('_', ' '),
        ...branches.map((name) => scores[name].toFixed(2)),
        `**${score.toFixed(2)}**`,
        verdict,
      ]);
      return [
        `**\`${method}\`**: ${goodImages} good images, ${heldOut} of them held out, at ${size.join(' x ')} px; ` +
          `${seconds} s on two cores that other jobs used as well; threshold ${threshold.toFixed(2)}.`,
        '',
        table(['image (row of the figure)', ...branches, 'fused score', 'verdict'], rows),
      ].join('\n');
    })
    .join('\n\n');
}

/** packages/methods/README.md: the methods that are fitted in one pass of the teacher. */
function closedForm() {
  const sets = ['bottle', 'transistor'];
  const methods = ['instant', 'patchcore', 'fre', 'gaussian', 'padim'];
  const rows = methods.flatMap((method) =>
    sets.flatMap((set) =>
      read(`bench/results/methods/${set}-${method}.json`)
        .runs.filter(({ profile, size, options }) => profile === 'lite' && size === 128 && !options)
        .map((run) => [
          `\`${method}\``,
          set,
          `${run.size} px`,
          run.imageAuroc.toFixed(3),
          run.pixelAuroc === 0.5 ? '–' : run.pixelAuroc.toFixed(3),
          `${run.fitSeconds.toFixed(0)} s`,
          `${(run.fileBytes / 1e6).toFixed(2)} MB`,
        ]),
    ),
  );
  return table(['method', 'set', 'size', 'image AUROC', 'pixel AUROC', 'fit', 'file'], rows);
}

/** docs/guides/one-package.md: what a page downloads at most. */
function sizes() {
  const code = (name) => name.replace(/^@?[\w/-]+/, (specifier) => `\`${specifier}\``);
  return table(
    ['import', 'at most'],
    limits.map(({ name, limit }) => [code(name), limit]),
  );
}

/** docs/guides/many-machines.md: what a thousand million images a day need. */
function queueScale(document) {
  const file = 'bench/results/queue.json';
  const { throughput, costs } = read(file);
  const images = 1e9;
  const perSecond = images / 86_400;
  const { processorMilliseconds } = throughput.rows.find(({ workers }) => workers === 1);
  // Of processor time, which other jobs of the machine change little.
  const ofACore = Number((1000 / processorMilliseconds).toFixed(1));
  const [coreHour, gigabyteMonth] = [0.04, 0.02];
  const coreHours = 1e6 / ofACore / 3600;
  const { resultBytesPerImage, planBytesPerImage } = costs.storage;
  const stored = ((resultBytesPerImage + planBytesPerImage) * 1e6) / 1e9;
  const count = (value) => Math.round(value).toLocaleString('en-US');
  const commands = Object.values(costs.commandsOfAShard).reduce((sum, calls) => sum + calls, 0);
  const redis = (size) => {
    const shards = perSecond / size;
    return [
      count(shards),
      count(shards * commands),
      `${((shards * costs.microsecondsOfRedisPerShard) / 1e4).toFixed(1)} %`,
      `${((shards * costs.networkBytesPerShard) / 1e6).toFixed(2)} MB/s`,
      `${(((images / size) * costs.bytesOfAWaitingShard) / 1e9).toFixed(1)} GB`,
      count(images / size),
    ];
  };
  const [small, large] = [redis(64), redis(1000)];
  const rows = [
    ['cores for scoring', `${count(perSecond)} images/s / ${ofACore} images/s`, count(perSecond / ofACore), ''],
    ...[
      ['shards in a second', `${count(perSecond)} / images of a shard`],
      ['commands of Redis in a second', `${commands.toFixed(0)} for a shard`],
      ['load of one core by Redis', `${costs.microsecondsOfRedisPerShard} µs for a shard`],
      ['network of Redis', `${costs.networkBytesPerShard} bytes for a shard`],
      ['memory of Redis, if all of a day wait', `${costs.bytesOfAWaitingShard} bytes for a shard`],
      ['files of results in a day', 'one for a shard'],
    ].map((row, index) => [...row, small[index], large[index]]),
    ['results and plans in a day', `${resultBytesPerImage} + ${planBytesPerImage} bytes for an image`, `${count(stored * 1000)} GB`, ''],
    ['cores, for a million images', `1,000,000 / ${ofACore} / 3600 = ${coreHours.toFixed(1)} core hours at ${coreHour} USD`, `${(coreHours * coreHour).toFixed(2)} USD`, ''],
    ['results and plans of a million images, for a month', `${stored.toFixed(1)} GB at ${gigabyteMonth} USD`, `${(stored * gigabyteMonth).toFixed(3)} USD`, ''],
  ]; // prettier-ignore
  return [
    table(['what', 'from', 'shards of 64', 'shards of 1000'], rows),
    '',
    `An image takes ${processorMilliseconds} ms of a core (${throughput.machine.cpu}): preparation from 512 px and \`instant\` at 256 px by ONNX Runtime ` +
      `(${fileLink(document, file)}).`,
  ].join('\n');
}

/** docs/decisions/0048: whether an ignored area keeps out what changes in it. */
function ignoredAreas() {
  const { rows } = read('bench/results/ignored-areas.json');
  const keyOf = ({ category, area, what }) => JSON.stringify([category, area, what]);
  const branches = ['fused', 'local', 'global', 'pooled'];
  return table(
    ['category', 'area', 'in the area', ...branches],
    [...new Set(rows.map(keyOf))].map((key) => {
      const own = rows.filter((row) => keyOf(row) === key);
      return [
        ...JSON.parse(key),
        ...branches.map((name) => mean(own.map(({ auroc }) => auroc[name])).toFixed(3)),
      ];
    }),
  );
}

/** apps/inspector/README.md: what the page reaches by the side of its input. */
function inspectorSides() {
  const { machine, rows } = read('bench/results/inspector-sides.json');
  const sides = [...new Set(rows.map(({ side }) => side))];
  const uses = ['choosing', 'reported'];
  const of = (use, side) => rows.filter((row) => row.use === use && row.side === side);
  const seeds = (use) => `seeds ${of(use, sides[0]).map(({ seed }) => seed).join(', ')}`; // prettier-ignore
  const listed = (values) => values.map((value) => value.toFixed(3)).join(', ');
  const line = (side, use, key) => listed(of(use, side).map((row) => row[key]));
  const atSide = (side, value) => mean(rows.filter((row) => row.side === side).map(value));
  return [
    table(
      ['side', 'factors', ...uses.map(seeds)],
      sides.flatMap((side) => [
        [`${side} px`, 'of the method', ...uses.map((use) => line(side, use, 'aurocWithWeightsOfMethod'))],
        [`${side} px`, 'of the page', ...uses.map((use) => line(side, use, 'auroc'))],
      ]),
    ),
    '',
    'By branch and by fault, mean of all these seeds:',
    '',
    table(
      ['', ...sides.map((side) => `${side} px`)],
      [
        ...['local', 'global', 'pooled'].map((name) => [
          `branch \`${name}\``,
          ...sides.map((side) => atSide(side, ({ branches }) => branches[name]).toFixed(2)),
        ]),
        ...Object.keys(rows[0].anomalies).map((name) => [
          name.replaceAll('_', ' '),
          ...sides.map((side) => atSide(side, ({ anomalies }) => anomalies[name]).toFixed(2)),
        ]),
        ['learned in', ...sides.map((side) => `${atSide(side, ({ seconds }) => seconds).toFixed(0)} s`)],
      ],
    ),
    '',
    `Times of ${machine}, on which several other jobs ran.`,
  ].join('\n');
}

/** What two threads of the wasm kernels bring. */
function wasmThreads(document) {
  const file = 'bench/results/wasm-threads.json';
  const { machine, parts } = read(file);
  const loads = Object.values(parts).map(({ loadAverage }) => loadAverage[0]);
  return [
    table(
      ['', 'one thread, ms', 'two, ms', 'ratio', 'ratio of the shortest'],
      Object.values(parts).flatMap(({ rows }) =>
        rows.map(({ name, oneMs, twoMs, ratio, best }) => [
          name,
          ...[oneMs, twoMs].map((ms) => ms?.toFixed(ms < 10 ? 2 : 0) ?? ''),
          ratio?.toFixed(2) ?? '',
          best.toFixed(2),
        ]),
      ),
    ),
    '',
    `${machine} (${fileLink(document, file)}). Medians, and the ratio of the shortest times, which other jobs of the machine change least; its load ` +
      `before a part was ${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}.`,
  ].join('\n');
}

/** packages/wasm-gradients/README.md: rates of its kernels. */
function wasmKernels(document) {
  const file = 'bench/results/wasm-gradients.json';
  const { command, machine, summary, single, ofImages, others } = read(file);
  const meanOfImages = Math.exp(
    mean(ofImages.map(({ filterGradientRatio }) => Math.log(filterGradientRatio))),
  );
  const mean1 = Math.exp(mean(single.map(({ forwardOverStock }) => Math.log(forwardOverStock))));
  return [
    table(
      ['', 'forward / stock', 'filter gradient / forward', 'input gradient / forward'],
      summary.map(({ stride, forwardOverStock, filterGradientRatio, inputGradientRatio }) => [
        `stride ${stride}`,
        ...[forwardOverStock, filterGradientRatio, inputGradientRatio].map((ratio) => ratio.toFixed(2)),
      ]),
    ),
    '',
    `3x3 convolutions of one image: ${mean1.toFixed(2)} times the stock rate.`,
    '',
    `Filter gradient of first layers, which read images of 3 channels: ${meanOfImages.toFixed(2)} of the forward rate.`,
    '',
    'Others, in milliseconds:',
    '',
    table(
      ['', 'stock', 'here'],
      others.map(({ what, stockMs, ourMs }) => [what, stockMs.toFixed(1), ourMs.toFixed(1)]),
    ),
    '',
    `Written by \`${command}\` to ${fileLink(document, file)} (${machine}).`,
  ].join('\n');
}

/** apps/inspector/README.md: what was tried for small inputs. */
function inspectorSmall() {
  const { rows } = read('bench/results/inspector-small.json');
  const of = (use, variant) => rows.filter((row) => row.use === use && row.variant === variant);
  const means = (own, value) => (own.length === 0 ? '' : mean(own.map(value)).toFixed(3));
  const seedsOf = (own) => own.map(({ seed }) => seed).join(', ');
  return table(
    ['at 128 px', 'seeds', 'AUROC', '`local`', '`global`', 'seeds 1, 2, 3', 'an image, at least'],
    [...new Set(rows.map(({ variant }) => variant))].map((variant) => {
      const own = of('choosing', variant);
      const base = of('choosing', 'as it is').filter(({ seed }) => own.some((row) => row.seed === seed));
      const gain = mean(own.map(({ auroc }) => auroc)) - mean(base.map(({ auroc }) => auroc));
      const signed = `${gain < 0 ? '' : '+'}${gain.toFixed(3)}`;
      return [
        variant,
        seedsOf(own),
        `${means(own, ({ auroc }) => auroc)}${variant === 'as it is' ? '' : ` (${signed})`}`,
        means(own, ({ branches }) => branches.local),
        means(own, ({ branches }) => branches.global),
        of('reported', variant)
          .map(({ auroc }) => auroc.toFixed(3))
          .join(', '),
        `${Math.min(...own.map(({ msAnImage }) => msAnImage))} ms`,
      ];
    }),
  );
}

/** apps/inspector/README.md: whether what helps the trays helps other parts. */
function inspectorSmallCategories() {
  const { rows } = read('bench/results/inspector-small.json');
  const own = rows.filter(({ use }) => use === 'categories');
  const variants = [...new Set(own.map(({ variant }) => variant))];
  const categories = [...new Set(own.map(({ category }) => category))].sort();
  const complete = (category) =>
    [...new Set(own.filter((row) => row.category === category).map(({ seed }) => seed))].filter((seed) =>
      variants.every((variant) =>
        own.some((row) => row.category === category && row.seed === seed && row.variant === variant),
      ),
    );
  return table(
    ['category', 'data seeds', ...variants],
    categories
      .filter((category) => complete(category).length > 0)
      .map((category) => [
        category,
        complete(category).join(', '),
        ...variants.map((variant) =>
          own
            .filter(
              (row) =>
                row.category === category && row.variant === variant && complete(category).includes(row.seed),
            )
            .map(({ auroc }) => auroc.toFixed(3))
            .join(', '),
        ),
      ]),
  );
}

/** bench/covariance-affinity.md: both losses in the same time. */
function affinitiesInTheSameTime(document) {
  const file = 'bench/results/covariance-affinity-256.json';
  const { machine, runs: all } = read(file);
  const of = (run, name) => [run[name].imageAuroc.toFixed(3), run[name].pixelAuroc.toFixed(3)];
  const average = (name) => mean(all.map((run) => run[name].imageAuroc)).toFixed(3);
  const spent = (run, name) => `${run[name].steps} in ${run[name].cpuSeconds} s`;
  return [
    table(
      [
        ...[
          'set',
          'contextual: steps',
          'image AUROC',
          'pixel AUROC',
          'scored by the limit',
          'covariance: steps',
        ],
        ...['image AUROC', 'pixel AUROC'],
      ],
      [
        ...all.map((run) => [
          run.set,
          ...[spent(run, 'contextual'), ...of(run, 'contextual')],
          ...[run.contextualScoredByCovariance.imageAuroc.toFixed(3), spent(run, 'covariance')],
          ...of(run, 'covariance'),
        ]),
        [
          ...['mean', '', average('contextual'), '', average('contextualScoredByCovariance'), ''],
          ...[average('covariance'), ''],
        ],
      ],
    ),
    '',
    `Seconds of the processor; ${machine} (${fileLink(document, file)}).`,
  ].join('\n');
}

const BLOCKS = [
  { document: 'bench/covariance-affinity.md', name: 'same-time', write: affinitiesInTheSameTime },
  { document: 'packages/wasm-gradients/README.md', name: 'threads', write: wasmThreads },
  { document: 'packages/wasm-gradients/README.md', name: 'kernels', write: wasmKernels },
  { document: 'docs/guides/many-machines.md', name: 'queue-scale', write: queueScale },
  {
    document: 'docs/decisions/0048-ignored-areas-are-covered.md',
    name: 'ignored-areas',
    write: ignoredAreas,
  },
  { document: 'apps/inspector/README.md', name: 'sides', write: inspectorSides },
  { document: 'apps/inspector/README.md', name: 'small', write: inspectorSmall },
  { document: 'apps/inspector/README.md', name: 'small-categories', write: inspectorSmallCategories },
  { document: 'docs/guides/one-package.md', name: 'sizes', write: sizes },
  { document: 'packages/methods/README.md', name: 'closed-form', write: closedForm },
  { document: 'README.md', name: 'numbers', write: numbers },
  { document: 'docs/method.md', name: 'runs', write: runs },
];

/** @returns the blocks that were not what their files say; `renew` writes them. */
export async function checkBlocks({ renew = false } = {}) {
  const outdated = [];
  for (const { document, name, write } of BLOCKS) {
    const file = path.join(ROOT, document);
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    const found = new RegExp(`(<!-- ${name}: [^\\n]* -->\\n)[\\s\\S]*?(<!-- end -->)`).exec(text);
    if (!found) throw new Error(`${document} has no block ${name}.`);
    const config = await prettier.resolveConfig(file);
    const wanted = `${found[1]}\n${write(document)}\n\n${found[2]}`;
    const whole = await prettier.format(
      text.replace(found[0], () => wanted),
      { ...config, parser: 'markdown' },
    );
    if (whole === text) continue;
    outdated.push(`${document}: ${name}`);
    if (renew) writeFileSync(file, whole);
  }
  return outdated;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const renew = process.argv.includes('--renew');
  const outdated = await checkBlocks({ renew });
  for (const block of outdated) console.log(renew ? `written: ${block}` : `outdated: ${block}`);
  if (outdated.length > 0 && !renew) {
    console.error('node docs/site/blocks.mjs --renew writes them.');
    process.exitCode = 1;
  }
}
