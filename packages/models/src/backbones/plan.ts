import type { InputTransform } from '@dskd/core';

/** A convolution with torch's parameters: square kernel, the same stride and padding in both directions. */
export interface Convolution {
  /** Name in the state dict; the filter is `${name}.weight`. */
  readonly name: string;
  /** Name of the batch norm that follows. Without one the convolution has `${name}.bias`. */
  readonly norm?: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
  readonly relu: boolean;
}

/** Max pooling of kernel 3 and stride 2 on non-negative features. */
export interface MaxPool {
  readonly kind: 'max-pool';
  readonly padding: 0 | 1;
  /** torch's `ceil_mode`: a last window that extends over the edge counts. */
  readonly ceil: boolean;
}

/** Average pooling of kernel 2 and stride 2, without padding. */
export interface AveragePool {
  readonly kind: 'average-pool';
}

export type Block =
  | { readonly kind: 'convolution'; readonly convolution: Convolution }
  | MaxPool
  | AveragePool
  /** `relu(body(x) + shortcut(x))`; without a shortcut convolution, `relu(body(x) + x)`. */
  | { readonly kind: 'residual'; readonly body: readonly Convolution[]; readonly shortcut?: Convolution }
  /** Both expansions of the squeezed features, concatenated by channel. */
  | { readonly kind: 'fire'; readonly squeeze: Convolution; readonly expansions: readonly Convolution[] };

/** A named part of a network. If it is a `level`, its output can be used as features. */
export interface Stage {
  readonly name: string;
  readonly blocks: readonly Block[];
  readonly level?: { readonly channels: number; readonly stride: number };
}

/** A network as data. The functions of this folder compute shapes and costs from it, load it and run it. */
export interface Plan {
  readonly stages: readonly Stage[];
  readonly defaultLevels: readonly string[];
  readonly batchNormEpsilon: number;
  readonly inputTransform: InputTransform;
  /** Names that another public file gives to the convolutions of this plan, by the name of each convolution. */
  readonly otherNames?: ReadonlyMap<string, string>;
}

export function convolutionsOf(block: Block): readonly Convolution[] {
  switch (block.kind) {
    case 'convolution':
      return [block.convolution];
    case 'max-pool':
    case 'average-pool':
      return [];
    case 'residual':
      return block.shortcut ? [...block.body, block.shortcut] : block.body;
    case 'fire':
      return [block.squeeze, ...block.expansions];
  }
}
