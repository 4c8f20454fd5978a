import { DskdError } from '@dskd/base';
import { convolutionsOf, type Block, type Convolution, type MaxPool } from './plan.js';
import type { Selection } from './registry.js';

/** `[height, width]` */
export type Size = readonly [number, number];

function eachSide(size: Size, map: (side: number) => number): Size {
  return [map(size[0]), map(size[1])];
}

export function convolvedSize(size: Size, { kernel, stride, padding }: Convolution): Size {
  return eachSide(size, (side) => Math.floor((side + 2 * padding - kernel) / stride) + 1);
}

/** torch's pooling arithmetic for kernel 3, stride 2. */
export function pooledSize(size: Size, { padding, ceil }: Omit<MaxPool, 'kind'>): Size {
  return eachSide(size, (side) => Math.floor((side + 2 * padding - 3 + (ceil ? 1 : 0)) / 2) + 1);
}

/** The convolutions of a block, each with the size it gives, and the size the block gives. */
export function walkBlock(block: Block, size: Size): { convolved: [Convolution, Size][]; output: Size } {
  if (block.kind === 'max-pool') return { convolved: [], output: pooledSize(size, block) };
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
 * `[height, width, channels]` of each level.
 * @throws {DskdError} `shape-mismatch` where the input is too small to leave a position at every level.
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
        `Got images of ${inputSize.join(' x ')}; ${name} has no features left at ${stage.name}.`,
        { hint: 'Height and width must be whole numbers, at least a few dozen pixels.' },
      );
    }
    const level = levels.find((candidate) => candidate.name === stage.name);
    if (level) shapes.push([size[0], size[1], level.channels]);
  }
  return shapes;
}
