import { attribute, integers, type Constant, type Node, type Sizes } from './graph.js';

// A recording has the sizes of one batch. Two recordings of different batches tell which sizes grow with the batch.

/** Batch sizes of the two recordings. A size that is twice something in one and three times in the other grows with them. */
export const RECORDED_BATCHES = [2, 3] as const;

/** Nodes with what they use. */
export interface Recording {
  readonly nodes: readonly Node[];
  readonly constants: ReadonlyMap<string, Constant>;
  readonly sizes: ReadonlyMap<string, Sizes>;
}

/** Nodes whose sizes are constants or computed. */
export interface Body {
  readonly nodes: readonly Node[];
  readonly constants: ReadonlyMap<string, Constant>;
}

/** A recording of one batch, as it is. */
export function ofOneBatch({ nodes, constants, sizes }: Recording): Body {
  const all = new Map(constants);
  for (const [name, { values }] of sizes) all.set(name, integers(values));
  return { nodes, constants: all };
}

/** `factor` of a size `factor * batch`; 0 for one that does not grow; null for one that grows otherwise. */
export function batchFactor(one: number, other: number): number | null {
  if (one === other) return 0;
  const factor = one / RECORDED_BATCHES[0];
  return Number.isInteger(factor) && factor === other / RECORDED_BATCHES[1] ? factor : null;
}

/**
 * One computation for any batch out of the recordings of two.
 * @param input name of the graph's input, whose first axis is the batch.
 * @returns null where they are not the same computation: where it depends on the number of images.
 */
export function ofAnyBatch(one: Recording, other: Recording, input: string): Body | null {
  if (!haveSameNodes(one.nodes, other.nodes)) return null;
  const result = new BatchBody(input);
  for (const [name, constant] of one.constants) {
    const second = other.constants.get(name);
    if (!second || !result.addConstant(name, constant, second)) return null;
  }
  for (const [name, sizes] of one.sizes) {
    const second = other.sizes.get(name);
    if (!second || !result.addSizes(name, sizes, second)) return null;
  }
  return { nodes: [...result.nodes, ...one.nodes], constants: result.constants };
}

function haveSameNodes(one: readonly Node[], other: readonly Node[]): boolean {
  return (
    one.length === other.length && one.every((node, at) => JSON.stringify(node) === JSON.stringify(other[at]))
  );
}

/** Gathers constants, and nodes that compute sizes from the batch. */
class BatchBody {
  readonly constants = new Map<string, Constant>();
  readonly nodes: Node[] = [];
  readonly #input: string;
  #batch: string | undefined;

  constructor(input: string) {
    this.#input = input;
  }

  addConstant(name: string, one: Constant, other: Constant): boolean {
    if (one.type !== other.type) return false;
    const factors = factorsOf(one.shape, other.shape);
    if (!factors) return false;
    if (factors.every((factor) => factor === 0)) {
      this.constants.set(name, one);
      return areEqual(one.data, other.data);
    }
    // The same values for each image: one of them, repeated.
    const repeated = factors.findIndex((factor) => factor !== 0);
    const single = firstAlong(one, repeated);
    if (factors.filter((factor) => factor !== 0).length > 1 || !single || !firstAlong(other, repeated))
      return false;
    const { data } = firstAlong(other, repeated)!;
    if (!areEqual(single.data, data)) return false;
    this.constants.set(`${name}_once`, single);
    const shape = single.shape.map((side, axis) => (axis === repeated ? 1 : side));
    const target = this.#vector(`${name}_shape`, shape.map((side, axis) => (axis === repeated ? 0 : side)), factors); // prettier-ignore
    this.nodes.push({
      operator: 'Expand',
      inputs: [`${name}_once`, target],
      outputs: [name],
      attributes: {},
    });
    return true;
  }

  addSizes(name: string, { purpose, values }: Sizes, other: Sizes): boolean {
    const factors = factorsOf(values, other.values);
    if (!factors) return false;
    const growing = factors.filter((factor) => factor !== 0).length;
    if (growing === 0 || (purpose === 'reshape' && growing === 1)) {
      this.constants.set(name, integers(values.map((value, at) => (factors[at] === 0 ? value : -1))));
      return true;
    }
    const fixed = values.map((value, at) => (factors[at] === 0 ? value : 0));
    this.#vector(name, fixed, factors);
    return true;
  }

  /** Computes `fixed + batch * factors` under `name`. */
  #vector(name: string, fixed: readonly number[], factors: readonly number[]): string {
    if (this.#batch === undefined) {
      this.#batch = 'batch_size';
      this.nodes.push({
        operator: 'Shape',
        inputs: [this.#input],
        outputs: [this.#batch],
        attributes: { start: attribute.int(0), end: attribute.int(1) },
      });
    }
    this.constants.set(`${name}_factors`, integers(factors));
    this.constants.set(`${name}_fixed`, integers(fixed));
    this.nodes.push(
      {
        operator: 'Mul',
        inputs: [this.#batch, `${name}_factors`],
        outputs: [`${name}_growing`],
        attributes: {},
      },
      { operator: 'Add', inputs: [`${name}_growing`, `${name}_fixed`], outputs: [name], attributes: {} },
    );
    return name;
  }
}

function factorsOf(one: readonly number[], other: readonly number[]): number[] | null {
  if (one.length !== other.length) return null;
  const factors = one.map((value, at) => batchFactor(value, other[at]!));
  return factors.includes(null) ? null : (factors as number[]);
}

function areEqual(one: Constant['data'], other: Constant['data']): boolean {
  // Object.is: two NaN are the same value here.
  return one.length === other.length && one.every((value, at) => Object.is(value, other[at]));
}

/** The first entry along an axis whose entries are all the same; null where they are not. */
function firstAlong({ type, shape, data }: Constant, axis: number): Constant | null {
  const inner = shape.slice(axis + 1).reduce((product, side) => product * side, 1);
  const side = shape[axis]!;
  const outer = data.length / (inner * side);
  const single = data.slice(0, outer * inner);
  for (let block = 0; block < outer; block++) {
    for (let at = 0; at < inner; at++) {
      const first = data[block * side * inner + at]!;
      single[block * inner + at] = first;
      for (let entry = 1; entry < side; entry++) {
        if (!Object.is(data[(block * side + entry) * inner + at], first)) return null;
      }
    }
  }
  return { type, shape: shape.map((own, at) => (at === axis ? 1 : own)), data: single };
}
