import type { InputTransform } from '@dskd/core';

/** A convolution as torch writes it: square kernel, the same stride and padding in both directions. */
export interface Convolution {
  /** State-dict name; its filter is `${name}.weight`. */
  readonly name: string;
  /** The batch norm that follows it, by state-dict name. Without one the convolution has `${name}.bias`. */
  readonly norm?: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
  readonly relu: boolean;
}

/** The 3x3 stride-2 max pooling that both families use, on non-negative features. */
export interface MaxPool {
  readonly kind: 'max-pool';
  readonly padding: 0 | 1;
  /** torch's `ceil_mode`: a last window that hangs over the edge counts. */
  readonly ceil: boolean;
}

export type Block =
  | { readonly kind: 'convolution'; readonly convolution: Convolution }
  | MaxPool
  /** `relu(body(x) + shortcut(x))`; without a shortcut convolution, `relu(body(x) + x)`. */
  | { readonly kind: 'residual'; readonly body: readonly Convolution[]; readonly shortcut?: Convolution }
  /** Both expansions of the squeezed features, concatenated by channel. */
  | { readonly kind: 'fire'; readonly squeeze: Convolution; readonly expansions: readonly Convolution[] };

/** A named part of a network, after which features can be taken if it is a `level`. */
export interface Stage {
  readonly name: string;
  readonly blocks: readonly Block[];
  readonly level?: { readonly channels: number; readonly stride: number };
}

/** A network as data: what every function of this folder (shapes, cost, loading, running) walks over. */
export interface Plan {
  readonly stages: readonly Stage[];
  readonly defaultLevels: readonly string[];
  readonly batchNormEpsilon: number;
  readonly inputTransform: InputTransform;
}

export function convolutionsOf(block: Block): readonly Convolution[] {
  switch (block.kind) {
    case 'convolution':
      return [block.convolution];
    case 'max-pool':
      return [];
    case 'residual':
      return block.shortcut ? [...block.body, block.shortcut] : block.body;
    case 'fire':
      return [block.squeeze, ...block.expansions];
  }
}
