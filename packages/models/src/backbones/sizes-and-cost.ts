import { DskdError } from '@dskd/base';
import { type Block, type Convolution, convolutionsOf, type MaxPool } from './plan.js';
import { type Selection, selectLevels } from './registry.js';

/** `[height, width]` */
type Size = readonly [number, number];

function eachSide(size: Size, map: (side: number) => number): Size {
  return [map(size[0]), map(size[1])];
}

function convolvedSize(size: Size, { kernel, stride, padding }: Convolution): Size {
  return eachSide(size, (side) => Math.floor((side + 2 * padding - kernel) / stride) + 1);
}

/** Output size of a pooling with kernel 3 and stride 2, as in torch. */
export function pooledSize(size: Size, { padding, ceil }: Omit<MaxPool, 'kind'>): Size {
  return eachSide(size, (side) => Math.floor((side + 2 * padding - 3 + (ceil ? 1 : 0)) / 2) + 1);
}

/** Output size of a pooling with kernel 2 and stride 2, without padding. */
function halvedSize(size: Size): Size {
  return eachSide(size, (side) => Math.floor(side / 2));
}

/** Returns the convolutions of a block with the output size of each, and the output size of the block. */
function walkBlock(block: Block, size: Size): { convolved: [Convolution, Size][]; output: Size } {
  if (block.kind === 'max-pool') return { convolved: [], output: pooledSize(size, block) };
  if (block.kind === 'average-pool') return { convolved: [], output: halvedSize(size) };
  if (block.kind === 'residual') {
    let current = size;
    const convolved = block.body.map((convolution): [Convolution, Size] => {
      current = convolvedSize(current, convolution);
      return [convolution, current];
    });
    if (block.shortcut) convolved.push([block.shortcut, current]);
    return { convolved, output: current };
  }
  // A single convolution, or a fire module, whose parts all have stride 1.
  const [first, ...others] = convolutionsOf(block) as [Convolution, ...Convolution[]];
  const output = convolvedSize(size, first);
  return {
    convolved: [[first, output], ...others.map((other): [Convolution, Size] => [other, output])],
    output,
  };
}

/**
 * Returns `[height, width, channels]` of each level.
 * @throws {DskdError} `shape-mismatch` if the input is so small that a level has no positions.
 */
export function levelShapes(
  name: string,
  { stages, levels }: Selection,
  inputSize: Size,
): [number, number, number][] {
  const shapes: [number, number, number][] = [];
  const whole = inputSize.every(Number.isSafeInteger);
  let size = inputSize;
  for (const stage of stages) {
    for (const block of stage.blocks) size = walkBlock(block, size).output;
    if (!whole || Math.min(...size) < 1) {
      throw new DskdError(
        'shape-mismatch',
        `Got images of ${inputSize.join(' x ')}; ${name} has no positions at ${stage.name}.`,
        { hint: 'Height and width must be whole numbers, at least a few dozen pixels.' },
      );
    }
    const level = levels.find((candidate) => candidate.name === stage.name);
    if (level) shapes.push([size[0], size[1], level.channels]);
  }
  return shapes;
}

export interface BackboneCost {
  /** Multiply-accumulate operations of all convolutions for one image; 1 GMAC is 1e9 of them, 2 GFLOP. */
  readonly multiplyAccumulates: number;
  /** Number of parameters: filters and biases, with batch norm folded. */
  readonly parameters: number;
  /** Bytes of the parameters in float32. */
  readonly weightBytes: number;
  /** Bytes of the features of one image in float32, all levels. */
  readonly featureBytes: number;
}

/**
 * Computes the cost of a backbone from its plan, without weights or tensors. Stages after the deepest level do not
 * count.
 * @param inputSize `[height, width]` in pixels.
 * @throws {DskdError} `invalid-argument` for an unknown name or level, `shape-mismatch` for too small an input.
 */
export function backboneCost(
  name: string,
  inputSize: readonly [number, number],
  { levels }: { readonly levels?: readonly string[] } = {},
): BackboneCost {
  const selection = selectLevels(name, levels);
  let multiplyAccumulates = 0;
  let parameters = 0;
  let size: Size = inputSize;
  for (const block of selection.stages.flatMap((stage) => stage.blocks)) {
    const { convolved, output } = walkBlock(block, size);
    for (const [{ inputs, outputs, kernel }, [height, width]] of convolved) {
      multiplyAccumulates += height * width * outputs * inputs * kernel ** 2;
      parameters += outputs * inputs * kernel ** 2 + outputs;
    }
    size = output;
  }
  const featureBytes = levelShapes(name, selection, inputSize).reduce(
    (sum, [height, width, channels]) => sum + 4 * height * width * channels,
    0,
  );
  return { multiplyAccumulates, parameters, weightBytes: 4 * parameters, featureBytes };
}
