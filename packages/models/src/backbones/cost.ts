import { levelShapes, walkBlock, type Size } from './output-sizes.js';
import { selectLevels, type BackboneName } from './registry.js';

export interface BackboneCost {
  /** Multiply-accumulates of all convolutions for one image; a GMAC is 1e9 of them, 2 GFLOP. */
  readonly multiplyAccumulates: number;
  /** Numbers held: filters and biases, batch norm folded. */
  readonly parameters: number;
  /** The same in bytes of float32. */
  readonly weightBytes: number;
  /** The features of one image in bytes of float32, all levels. */
  readonly featureBytes: number;
}

/**
 * What a backbone costs, from its plan alone: no weights, no tensors. Counts end at the deepest level.
 * @param inputSize `[height, width]` in pixels.
 * @throws {DskdError} `invalid-argument` for an unknown name or level, `shape-mismatch` for too small an input.
 */
export function backboneCost(
  name: BackboneName,
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
