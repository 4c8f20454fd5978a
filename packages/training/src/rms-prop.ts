import {
  add,
  mul,
  rsqrt,
  scalar,
  square,
  sub,
  tidy,
  type Tensor,
  type Variable,
} from '@tensorflow/tfjs-core';
import { DskdError } from '@dskd/base';
import { assertGradients, constantLike, type Optimizer } from './optimizer.js';
import { assertSchedule, rateFactor, type LearningRateSchedule } from './schedule.js';
import { captureVariables, restoreVariables, type OptimizerState } from './training-state.js';

/** Options of {@link RmsProp}, named as in TensorFlow 1's RMSPropOptimizer. */
export interface RmsPropOptions {
  readonly kind: 'rmsprop';
  readonly learningRate: number;
  /** Default 0.9. */
  readonly decay?: number;
  /** Default 1e-10. */
  readonly epsilon?: number;
  /** Changes the learning rate over the run. By default it is constant. */
  readonly schedule?: LearningRateSchedule;
}

/**
 * RMSPropOptimizer of TensorFlow 1 without momentum (tensorflow/python/training/rmsprop.py): `v = decay v + (1 - decay) g^2`,
 * `p -= lr g / sqrt(v + epsilon)`. In contrast to torch.optim.RMSprop epsilon is inside of the root, and v begins at 1, not at
 * 0: where gradients are small, the first steps are small, too.
 */
export class RmsProp implements Optimizer {
  readonly #parameters: ReadonlyMap<string, Variable>;
  readonly #options: Required<Omit<RmsPropOptions, 'schedule' | 'kind'>>;
  readonly #schedule: LearningRateSchedule | undefined;
  readonly #meanSquares: ReadonlyMap<string, Variable>;
  #step = 0;

  /** @throws {DskdError} `invalid-config` */
  constructor(parameters: ReadonlyMap<string, Variable>, options: RmsPropOptions) {
    const { learningRate, decay = 0.9, epsilon = 1e-10, schedule } = options;
    const valid = learningRate > 0 && Number.isFinite(learningRate) && decay >= 0 && decay < 1 && epsilon > 0;
    if (!valid) {
      throw new DskdError(
        'invalid-config',
        `Got RMSProp with learning rate ${learningRate}, decay ${decay}, epsilon ${epsilon}; wanted a positive rate and ` +
          'epsilon, and a decay in [0, 1).',
        { details: { learningRate, decay, epsilon } },
      );
    }
    if (schedule) assertSchedule(schedule);
    this.#options = { learningRate, decay, epsilon };
    this.#schedule = schedule;
    this.#parameters = new Map(parameters);
    this.#meanSquares = constantLike(parameters, 1);
  }

  apply(gradients: ReadonlyMap<string, Tensor>): void {
    assertGradients(this.#parameters, gradients);
    const factor = this.#schedule ? rateFactor(this.#schedule, this.#step) : 1;
    this.#step += 1;
    const { learningRate, decay, epsilon } = this.#options;
    tidy(() => {
      const [keep, take] = [scalar(decay), scalar(1 - decay)];
      const [tiny, rate] = [scalar(epsilon), scalar(learningRate * factor)];
      for (const [name, parameter] of this.#parameters) {
        const meanSquare = this.#meanSquares.get(name)!;
        const gradient = gradients.get(name)!;
        // One tidy per update: few temporary arrays of the parameter's size exist at a time.
        tidy(() => meanSquare.assign(add(mul(meanSquare, keep), mul(square(gradient), take))));
        tidy(() => {
          const inverse = tidy(() => rsqrt(add(meanSquare, tiny)));
          parameter.assign(sub(parameter, mul(mul(gradient, inverse), rate)));
        });
      }
    });
  }

  /** The mean squares are the second moments; there are no first ones. */
  async capture(): Promise<OptimizerState> {
    const secondMoments = await captureVariables(this.#meanSquares);
    return { step: this.#step, firstMoments: new Map(), secondMoments };
  }

  restore(state: OptimizerState): void {
    restoreVariables(new Map(), state.firstMoments, 'first moments, of which RMSProp has none');
    restoreVariables(this.#meanSquares, state.secondMoments, 'second moments');
    this.#step = state.step;
  }

  dispose(): void {
    for (const meanSquare of this.#meanSquares.values()) meanSquare.dispose();
  }
}
