import { attribute, type Attribute, type Constant, type Node } from './graph.js';
import type { Body } from './any-batch.js';

type Data = Constant['data'];

/**
 * The same computation with less of it: affine operations after a convolution become part of its weights, in float64; equal
 * constants and nodes are there once, also constants that are the transpose of another; what no output needs is left out.
 * @param outputs names that stay.
 */
export function simplify(body: Body, outputs: readonly string[]): Body {
  return withoutUnused(
    withoutTransposedCopies(withoutCopies(withFoldedConvolutions(body, outputs), outputs)),
    outputs,
  );
}

/** Names that a node uses: its inputs, and what the graphs in it use. */
function namesUsedBy({ inputs, attributes }: Node): string[] {
  const inner = Object.values(attributes).flatMap((each) =>
    each.kind === 'graph'
      ? [...each.value.nodes.flatMap(namesUsedBy), ...each.value.outputs.map(({ name }) => name)]
      : [],
  );
  return [...inputs, ...inner];
}

/** A node with other names for what it uses, in the graphs in it, too. */
function withNames(node: Node, renamed: ReadonlyMap<string, string>): Node {
  const attributes = Object.entries(node.attributes).map(([name, each]): [string, Attribute] => [
    name,
    each.kind === 'graph'
      ? {
          ...each,
          value: { ...each.value, nodes: each.value.nodes.map((inner) => withNames(inner, renamed)) },
        }
      : each,
  ]);
  return {
    ...node,
    inputs: node.inputs.map((input) => renamed.get(input) ?? input),
    attributes: Object.fromEntries(attributes),
  };
}

/** Who uses each name. */
function usersOf(nodes: readonly Node[]): Map<string, Node[]> {
  const users = new Map<string, Node[]>();
  for (const node of nodes) {
    for (const input of namesUsedBy(node)) users.set(input, [...(users.get(input) ?? []), node]);
  }
  return users;
}

/** One value for each output channel, out of a constant of one value or of `[channels, 1, 1]`. */
function channelValues(constant: Constant | undefined, channels: number): Float64Array | null {
  if (constant?.type !== 'float32') return null;
  const { data, shape } = constant as { data: Float32Array; shape: readonly number[] };
  if (data.length === 1 && shape.length <= 3) return new Float64Array(channels).fill(data[0]!);
  const isVector = shape.length === 3 && shape[0] === channels && data.length === channels;
  return isVector ? Float64Array.from(data) : null;
}

interface Affine {
  readonly scale: Float64Array;
  readonly shift: Float64Array;
}

/** What a node does to each channel of `before`, if that is all it does. */
function affineOf(
  node: Node,
  before: string,
  constants: ReadonlyMap<string, Constant>,
  channels: number,
): Affine | null {
  if (!['Mul', 'Add', 'Sub', 'Div'].includes(node.operator)) return null;
  const [first, second] = node.inputs as readonly [string, string];
  if (first === second || (first !== before && ['Sub', 'Div'].includes(node.operator))) return null;
  const values = channelValues(constants.get(first === before ? second : first), channels);
  if (!values) return null;
  const ones = new Float64Array(channels).fill(1);
  const zeros = new Float64Array(channels);
  switch (node.operator) {
    case 'Mul':
      return { scale: values, shift: zeros };
    case 'Div':
      return { scale: values.map((value) => 1 / value), shift: zeros };
    case 'Add':
      return { scale: ones, shift: values };
    default:
      return { scale: ones, shift: values.map((value) => -value) };
  }
}

/** Convolutions take over what follows them, and only them, and is affine for each channel. */
function withFoldedConvolutions({ nodes, constants }: Body, outputs: readonly string[]): Body {
  const users = usersOf(nodes);
  const changed = new Map(constants);
  const folded = new Set<Node>();
  const result: Node[] = [];
  for (const node of nodes) {
    if (folded.has(node)) continue;
    const weights = node.operator === 'Conv' ? constants.get(node.inputs[1]!) : undefined;
    if (!weights) {
      result.push(node);
      continue;
    }
    const channels = weights.shape[0]!;
    const scale = new Float64Array(channels).fill(1);
    const shift = new Float64Array(channels);
    let output = node.outputs[0]!;
    let count = 0;
    for (;;) {
      const [next, another] = users.get(output) ?? [];
      const affine =
        next && !another && !outputs.includes(output) && affineOf(next, output, constants, channels);
      if (!affine) break;
      for (let channel = 0; channel < channels; channel++) {
        scale[channel]! *= affine.scale[channel]!;
        shift[channel] = shift[channel]! * affine.scale[channel]! + affine.shift[channel]!;
      }
      folded.add(next);
      output = next.outputs[0]!;
      count++;
    }
    if (count === 0) {
      result.push(node);
      continue;
    }
    const name = `${output}_weights`;
    const bias = `${output}_bias`;
    const perChannel = weights.data.length / channels;
    const data = Float32Array.from(weights.data as Float32Array);
    for (let at = 0; at < data.length; at++) data[at]! *= scale[Math.floor(at / perChannel)]!;
    changed.set(name, { ...weights, data });
    changed.set(bias, { type: 'float32', shape: [channels], data: Float32Array.from(shift) });
    result.push({ ...node, inputs: [node.inputs[0]!, name, bias], outputs: [output] });
  }
  return { nodes: result, constants: changed };
}

/** Values of a constant that its key is made of. */
const KEY_VALUES = 256;

/** A key that equal constants share, and different ones seldom. */
function keyOf({ type, shape, data }: Constant): string {
  const step = Math.max(1, Math.floor(data.length / KEY_VALUES));
  const some = Array.from({ length: Math.min(data.length, KEY_VALUES) }, (_, at) => String(data[at * step]));
  return `${type} ${shape.join()} ${some.join()}`;
}

function haveSameBytes(one: Data, other: Data): boolean {
  const [first, second] = [one, other].map(
    (data) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  ) as [Uint8Array, Uint8Array];
  return first.length === second.length && first.every((byte, at) => byte === second[at]);
}

/** Equal constants, and nodes that compute the same, once. */
function withoutCopies({ nodes, constants }: Body, outputs: readonly string[]): Body {
  const renamed = new Map<string, string>();
  const byKey = new Map<string, string[]>();
  const kept = new Map<string, Constant>();
  for (const [name, constant] of constants) {
    const key = keyOf(constant);
    const same = (byKey.get(key) ?? []).find((other) => haveSameBytes(kept.get(other)!.data, constant.data));
    if (same !== undefined) {
      renamed.set(name, same);
      continue;
    }
    byKey.set(key, [...(byKey.get(key) ?? []), name]);
    kept.set(name, constant);
  }
  const made = new Map<string, Node>();
  const result: Node[] = [];
  for (const node of nodes) {
    const own = withNames(node, renamed);
    const { inputs } = own;
    const stays = node.outputs.some((output) => outputs.includes(output)) || hasGraph(node);
    const key = JSON.stringify([node.operator, inputs, node.attributes]);
    const same = made.get(key);
    if (same && !stays) {
      node.outputs.forEach((output, at) => renamed.set(output, same.outputs[at]!));
      continue;
    }
    made.set(key, own);
    result.push(own);
  }
  return { nodes: result, constants: kept };
}

/** Matrices below this many values are not worth a search. */
const LARGE_MATRIX = 4096;

function transposeOf({ type, shape, data }: Constant): Constant {
  const [rows, columns] = shape as [number, number];
  const turned = data.slice();
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++)
      turned[column * rows + row] = data[row * columns + column]!;
  }
  return { type, shape: [columns, rows], data: turned };
}

/** Large matrices that are the transpose of an earlier one become a node that transposes that one. */
function withoutTransposedCopies({ nodes, constants }: Body): Body {
  const kept = new Map<string, Constant>();
  const byKey = new Map<string, string>();
  const added: Node[] = [];
  for (const [name, constant] of constants) {
    const isLarge = constant.shape.length === 2 && constant.data.length >= LARGE_MATRIX;
    const turned = isLarge ? transposeOf(constant) : null;
    const source = turned ? byKey.get(keyOf(turned)) : undefined;
    if (turned && source !== undefined && haveSameBytes(kept.get(source)!.data, turned.data)) {
      added.push({
        operator: 'Transpose',
        inputs: [source],
        outputs: [name],
        attributes: { perm: attribute.ints([1, 0]) },
      });
      continue;
    }
    kept.set(name, constant);
    if (isLarge) byKey.set(keyOf(constant), name);
  }
  return { nodes: [...added, ...nodes], constants: kept };
}

function hasGraph({ attributes }: Node): boolean {
  return Object.values(attributes).some(({ kind }) => kind === 'graph');
}

/** What the outputs need. */
function withoutUnused({ nodes, constants }: Body, outputs: readonly string[]): Body {
  const needed = new Set(outputs);
  const kept: Node[] = [];
  for (const node of nodes.toReversed()) {
    if (!node.outputs.some((output) => needed.has(output))) continue;
    kept.push(node);
    for (const input of namesUsedBy(node)) needed.add(input);
  }
  return {
    nodes: kept.toReversed(),
    constants: new Map([...constants].filter(([name]) => needed.has(name))),
  };
}
