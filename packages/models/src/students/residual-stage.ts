import * as tf from '@tensorflow/tfjs-core';
import { addRelu } from '../layers/tensor-ops.js';
import { batchNorm } from '../layers/batch-norm.js';
import { convolution } from '../layers/convolution.js';
import { chain, elements, type Layer, type MapShape, type NetworkPlan } from '../layers/network-plan.js';
import { upsample } from '../layers/upsample.js';

/** How the first block of a stage changes the size of the map. `double` then crops or extends it to `size`. */
type Resampling =
  | { readonly kind: 'keep' | 'halve' }
  | { readonly kind: 'double'; readonly size: readonly [number, number] };

interface StageOptions {
  readonly block: 'basic' | 'bottleneck';
  readonly innerRatio: number;
  readonly outputs: number;
  readonly blocks: number;
  readonly resampling: Resampling;
}

/** The convolution of a block that changes the size of the map, or an ordinary 3x3 convolution. */
function resample(plan: NetworkPlan, name: string, input: MapShape, outputs: number, by: Resampling): Layer {
  if (by.kind === 'double') return upsample(plan, name, input, by.size, outputs);
  return convolution(plan, name, input, { outputs, kernel: 3, stride: by.kind === 'halve' ? 2 : 1 });
}

function normalized(plan: NetworkPlan, name: string, before: Layer, relu: boolean): Layer {
  return chain(before, batchNorm(plan, name, before.shape, { relu }));
}

function trunk(plan: NetworkPlan, name: string, input: MapShape, options: StageOptions): Layer {
  const { block, outputs, innerRatio, resampling } = options;
  if (block === 'basic') {
    const first = normalized(
      plan,
      `${name}.bn1`,
      resample(plan, `${name}.conv1`, input, outputs, resampling),
      true,
    );
    const second = convolution(plan, `${name}.conv2`, first.shape, { outputs, kernel: 3, stride: 1 });
    return chain(first, normalized(plan, `${name}.bn2`, second, false));
  }
  const inner = Math.round(outputs * innerRatio);
  const first = normalized(
    plan,
    `${name}.bn1`,
    convolution(plan, `${name}.conv1`, input, { outputs: inner, kernel: 1, stride: 1 }),
    true,
  );
  const second = normalized(
    plan,
    `${name}.bn2`,
    resample(plan, `${name}.conv2`, first.shape, inner, resampling),
    true,
  );
  const third = convolution(plan, `${name}.conv3`, second.shape, { outputs, kernel: 1, stride: 1 });
  return chain(first, second, normalized(plan, `${name}.bn3`, third, false));
}

function shortcut(
  plan: NetworkPlan,
  name: string,
  input: MapShape,
  options: StageOptions,
): Layer | undefined {
  const { outputs, resampling } = options;
  if (resampling.kind === 'double') {
    return normalized(
      plan,
      `${name}.upsample.1`,
      upsample(plan, `${name}.upsample.0`, input, resampling.size, outputs),
      false,
    );
  }
  if (resampling.kind === 'keep' && input[2] === outputs) return undefined;
  const stride = resampling.kind === 'halve' ? 2 : 1;
  const projection = convolution(plan, `${name}.downsample.0`, input, { outputs, kernel: 1, stride });
  return normalized(plan, `${name}.downsample.1`, projection, false);
}

function residualBlock(plan: NetworkPlan, name: string, input: MapShape, options: StageOptions): Layer {
  const main = trunk(plan, name, input, options);
  const side = shortcut(plan, name, input, options);
  plan.cost(name, main.shape, 0, elements(main.shape));
  return {
    shape: main.shape,
    // The tidy frees tensors that no gradient needs before the next block starts.
    apply: (x, mode) => tf.tidy(() => addRelu(main.apply(x, mode), side ? side.apply(x, mode) : x)),
  };
}

/**
 * A stage of residual blocks as in torchvision (`conv1`, `bn1`, ..., `downsample.0`) or, if it doubles the map, as
 * in the decoder of RD4AD (`upsample.0`). Only the first block changes the size and the channels.
 */
export function residualStage(
  plan: NetworkPlan,
  name: string,
  input: MapShape,
  options: StageOptions,
): Layer {
  const first = residualBlock(plan, `${name}.0`, input, options);
  const rest: Layer[] = [];
  for (let index = 1; index < options.blocks; index++) {
    rest.push(
      residualBlock(plan, `${name}.${index}`, first.shape, { ...options, resampling: { kind: 'keep' } }),
    );
  }
  return chain(first, ...rest);
}
