import { readFile } from 'node:fs/promises';
import { DskdError } from '@dskd/base';
import { isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Pair } from 'yaml';

/** The options of a config file, with the position of each in the file. */
export interface ConfigFile {
  readonly path: string;
  readonly values: Readonly<Record<string, unknown>>;
  /** `FILE:LINE:COLUMN` of the key or the value of an option. */
  placeOf(key: string, what: 'key' | 'value'): string;
  /**
   * Position of a nested key or list item, given by keys and indices; if it is missing, of its nearest existing
   * parent.
   */
  placeIn(path: readonly (string | number)[]): string;
}

/** Editors find the schema of a file by this key. It is not an option. */
const SCHEMA_KEY = '$schema';

/**
 * Reads a YAML file of options. JSON is YAML, so JSON files are accepted as well.
 * @param example a sentence that says where to find an example, for hints.
 * @throws {DskdError} `file-not-found`, `invalid-config` with the position of every problem.
 */
export async function readConfigFile(path: string, example = 'dskd init writes one.'): Promise<ConfigFile> {
  const source = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new DskdError('file-not-found', `Cannot read the config file ${path}.`, {
      hint: example,
      cause,
    });
  });
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false });
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${path}:${line}:${col}`;
  };
  if (document.errors.length > 0) {
    const problems = document.errors.map(({ pos, message }) => `${place(pos[0])}: ${message}`);
    throw new DskdError('invalid-config', `Not valid YAML: ${problems.join('; ')}.`, {
      hint: `A line is \`option: value\`; ${example}`,
      details: { problems },
    });
  }
  const { contents } = document;
  if (contents !== null && !isMap(contents)) {
    const offset = (contents as { range?: [number, number, number] | null }).range?.[0] ?? 0;
    throw new DskdError('invalid-config', `${place(offset)}: got a single value or a list, wanted options.`, {
      hint: `A line is \`option: value\`; ${example}`,
    });
  }
  const pairs = new Map((contents?.items ?? []).map((pair) => [keyOf(pair), pair]));
  const values = valuesOf(document, path);
  return {
    path,
    values,
    placeOf(key, what) {
      const pair = pairs.get(key);
      const node = (what === 'key' ? pair?.key : (pair?.value ?? pair?.key)) as
        | { range?: [number, number, number] | null }
        | undefined;
      return place(node?.range?.[0] ?? 0);
    },
    placeIn: (keys) => place(offsetOf(document, keys)),
  };
}

/** Offset of the key or list item at `keys`, or of its nearest existing parent. */
function offsetOf(document: Document, keys: readonly (string | number)[]): number {
  let node: unknown = document.contents;
  let offset = 0;
  for (const key of keys) {
    let found: unknown;
    if (isMap(node)) {
      const pair = node.items.find((each) => keyOf(each) === String(key));
      [found, node] = [pair?.key, pair?.value];
    } else if (isSeq(node)) {
      found = node = node.items[Number(key)];
    }
    const range = (found as { range?: [number, number, number] | null } | undefined)?.range;
    if (!range) break;
    [offset] = range;
  }
  return offset;
}

/** Aliases (`*name`) can expand to more than fits in memory; the parser limits them. */
function valuesOf(document: Document, path: string): Record<string, unknown> {
  try {
    const all = (document.toJS() ?? {}) as Record<string, unknown>;
    return Object.fromEntries(Object.entries(all).filter(([key]) => key !== SCHEMA_KEY));
  } catch (cause) {
    throw new DskdError('invalid-config', `${path}: ${(cause as Error).message}.`, { cause });
  }
}

function keyOf({ key }: Pair): string {
  return isScalar(key) ? String(key.value) : String(key);
}
