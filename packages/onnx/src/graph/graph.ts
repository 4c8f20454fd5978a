// A computation as data: what the recording writes and the encoder reads. Names and operators are those of ONNX.

/** Element types that occur in our graphs. */
export type ElementType = 'float32' | 'int32' | 'int64' | 'bool' | 'uint8';

/** Values that do not depend on the images. `bool` has bytes of 0 and 1. */
export interface Constant {
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | BigInt64Array | Uint8Array;
}

/**
 * A vector of sizes that an operator takes as an input, such as the shape of `Reshape`: some may be multiples of the batch
 * size. `reshape`: one such size may be left for the operator to find.
 */
export interface Sizes {
  readonly purpose: 'reshape' | 'expand' | 'tile';
  readonly values: readonly number[];
}

export type Attribute =
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'graph'; readonly value: Graph };

export type Attributes = Readonly<Record<string, Attribute>>;

export interface Node {
  readonly operator: string;
  /** Names of inputs of the graph, constants, sizes or outputs of earlier nodes; empty where an optional input is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
}

/** An input or output of a graph. */
export interface Port {
  readonly name: string;
  readonly type: ElementType;
  /** A size of `null` is the batch size. */
  readonly shape: readonly (number | null)[];
}

/** Nodes in the order of computation, with the constants that they use. */
export interface Graph {
  readonly name: string;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly nodes: readonly Node[];
  readonly constants: ReadonlyMap<string, Constant>;
}

export const attribute = {
  int: (value: number): Attribute => ({ kind: 'int', value }),
  ints: (value: readonly number[]): Attribute => ({ kind: 'ints', value }),
  float: (value: number): Attribute => ({ kind: 'float', value }),
  string: (value: string): Attribute => ({ kind: 'string', value }),
  graph: (value: Graph): Attribute => ({ kind: 'graph', value }),
};

/** ONNX's numbers of element types. */
const TYPE_NUMBERS: Readonly<Record<ElementType, number>> = {
  float32: 1,
  uint8: 2,
  int32: 6,
  int64: 7,
  bool: 9,
};

/** The attribute of `Cast` that names the type of its result. */
export function castTo(type: ElementType): Attributes {
  return { to: attribute.int(TYPE_NUMBERS[type]) };
}

/** A vector of integers as a constant. */
export function integers(values: readonly number[]): Constant {
  return { type: 'int64', shape: [values.length], data: BigInt64Array.from(values, BigInt) };
}

/** Writes a graph node by node. */
export class GraphBuilder {
  #nodes: Node[] = [];
  readonly constants = new Map<string, Constant>();
  readonly sizes = new Map<string, Sizes>();
  #count = 0;

  get nodes(): readonly Node[] {
    return this.#nodes;
  }

  /** Nodes that `write` adds, apart from those of the graph. They may use names of the graph, as the body of a loop does. */
  apart<T>(write: () => T): { readonly nodes: readonly Node[]; readonly result: T } {
    const outer = this.#nodes;
    const nodes: Node[] = (this.#nodes = []);
    try {
      return { result: write(), nodes };
    } finally {
      this.#nodes = outer;
    }
  }

  /** A name that nothing else has. */
  newName(what: string): string {
    return this.#nameFor(what);
  }

  /** @returns the name of the constant. */
  constant(constant: Constant): string {
    const name = this.#nameFor('constant');
    this.constants.set(name, constant);
    return name;
  }

  /** @returns the name of the vector. */
  sizesOf(purpose: Sizes['purpose'], values: readonly number[]): string {
    const name = this.#nameFor('sizes');
    this.sizes.set(name, { purpose, values });
    return name;
  }

  /** Adds a node of one output. @returns the name of the output. */
  node(operator: string, inputs: readonly string[], attributes: Attributes = {}): string {
    const output = this.#nameFor(operator);
    this.#nodes.push({ operator, inputs, outputs: [output], attributes });
    return output;
  }

  /** Adds a node of two outputs. @returns their names. */
  nodeOfTwo(operator: string, inputs: readonly string[], attributes: Attributes): [string, string] {
    const outputs: [string, string] = [this.#nameFor(operator), this.#nameFor(operator)];
    this.#nodes.push({ operator, inputs, outputs, attributes });
    return outputs;
  }

  #nameFor(what: string): string {
    return `${what}_${this.#count++}`;
  }
}
