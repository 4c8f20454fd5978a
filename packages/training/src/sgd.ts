import { add, mul, scalar, sub, tidy, type Tensor, type Variable } from '@tensorflow/tfjs-core';
import { DskdError } from '@dskd/base';
import { assertGradients, constantLike, type Optimizer } from './optimizer.js';
import { assertSchedule, rateFactor, type LearningRateSchedule } from './schedule.js';
import { captureVariables, restoreVariables, type OptimizerState } from './training-state.js';

/** Options of stochastic gradient descent, named as in torch.optim.SGD. */
export interface SgdOptions {
  readonly kind: 'sgd';
  readonly learningRate: number;
  /** Default 0. */
  readonly momentum?: number;
  /** Coupled: this fraction of each parameter is added to its gradient. Default 0. */
  readonly weightDecay?: number;
  /** Changes the learning rate over the run. By default it is constant. */
  readonly schedule?: LearningRateSchedule;
}

/**
 * torch.optim.SGD with dampening 0 and without Nesterov: `g += decay p`, `b = momentum b + g`, `p -= lr b`. In contrast
 * to the form of Sutskever et al. (2013), the rate is outside of the buffer, which matters where it changes.
 */
export class Sgd implements Optimizer {
  readonly #parameters: ReadonlyMap<string, Variable>;
  readonly #options: Required<Omit<SgdOptions, 'schedule' | 'kind'>>;
  readonly #schedule: LearningRateSchedule | undefined;
  readonly #buffers: ReadonlyMap<string, Variable>;
  #step = 0;

  /** @throws {DskdError} `invalid-config` */
  constructor(parameters: ReadonlyMap<string, Variable>, options: SgdOptions) {
    const { learningRate, momentum = 0, weightDecay = 0, schedule } = options;
    const valid = learningRate > 0 && momentum >= 0 && momentum < 1 && weightDecay >= 0;
    if (!valid || !Number.isFinite(learningRate + weightDecay)) {
      throw new DskdError(
        'invalid-config',
        `Got SGD with learning rate ${learningRate}, momentum ${momentum}, weight decay ${weightDecay}; ` +
          'wanted a positive rate, a momentum in [0, 1) and a weight decay of at least 0.',
        { details: { learningRate, momentum, weightDecay } },
      );
    }
    if (schedule) assertSchedule(schedule);
    this.#options = { learningRate, momentum, weightDecay };
    this.#schedule = schedule;
    this.#parameters = new Map(parameters);
    this.#buffers = constantLike(parameters);
  }

  apply(gradients: ReadonlyMap<string, Tensor>): void {
    assertGradients(this.#parameters, gradients);
    const factor = this.#schedule ? rateFactor(this.#schedule, this.#step) : 1;
    this.#step += 1;
    const { learningRate, momentum, weightDecay } = this.#options;
    tidy(() => {
      const [keep, decay, rate] = [scalar(momentum), scalar(weightDecay), scalar(learningRate * factor)];
      for (const [name, parameter] of this.#parameters) {
        const buffer = this.#buffers.get(name)!;
        const gradient = gradients.get(name)!;
        // One tidy per update: few temporary arrays of the parameter's size exist at a time.
        tidy(() => {
          const decayed = weightDecay === 0 ? gradient : add(gradient, mul(parameter, decay));
          buffer.assign(add(mul(buffer, keep), decayed));
        });
        tidy(() => parameter.assign(sub(parameter, mul(buffer, rate))));
      }
    });
  }

  /** The buffers are the first moments; there are no second ones. */
  async capture(): Promise<OptimizerState> {
    const firstMoments = await captureVariables(this.#buffers);
    return { step: this.#step, firstMoments, secondMoments: new Map() };
  }

  restore(state: OptimizerState): void {
    restoreVariables(new Map(), state.secondMoments, 'second moments, of which SGD has none');
    restoreVariables(this.#buffers, state.firstMoments, 'first moments');
    this.#step = state.step;
  }

  dispose(): void {
    for (const buffer of this.#buffers.values()) buffer.dispose();
  }
}
