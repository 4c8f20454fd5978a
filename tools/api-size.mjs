// How much the packages export, counted in their API reports. Each name has to be learned and kept: the limits are raised
// on purpose only.

/** Of all packages together. Before the methods in closed form, tiles and lessons came: 150 values, 160 types; before the export to
 * ONNX and engines: 190 and 195; before the server: 210 and 220; before live sources and queues: 216 and 230. */
const LIMITS = { values: 240, types: 260 };

const VALUE = /^export (?:declare )?(?:abstract class|class|const|enum|function) (\w+)/gm;
const TYPE = /^export (?:interface|type) (\w+)/gm;

const namesIn = (reports, pattern) =>
  new Set(reports.flatMap((text) => Array.from(text.matchAll(pattern), ([, name]) => name)));

/**
 * Values and types that each package defines. A name that several of its entry points export counts once; what is passed
 * on from another package counts there.
 * @param reports the texts of the reports, by the name of the package.
 */
export function apiSize(reports) {
  return [...reports].map(([name, texts]) => ({
    name,
    values: namesIn(texts, VALUE).size,
    types: namesIn(texts, TYPE).size,
  }));
}

/** A table of the sizes with their sum, and whether that is within the limits. */
export function describeApiSize(sizes) {
  const sum = (key) => sizes.reduce((total, size) => total + size[key], 0);
  const total = { name: 'total', values: sum('values'), types: sum('types') };
  const limits = { name: 'at most', ...LIMITS };
  const line = ({ name, values, types }) =>
    `  ${name.padEnd(16)}${String(values).padStart(7)}${String(types).padStart(7)}`;
  return {
    table: [
      line({ name: '', values: 'values', types: 'types' }),
      ...[...sizes, total, limits].map(line),
    ].join('\n'),
    isWithin: total.values <= LIMITS.values && total.types <= LIMITS.types,
  };
}
