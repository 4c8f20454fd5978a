import {
  add,
  div,
  mul,
  scalar,
  sqrt,
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

/** Options of {@link Adam}, named as in torch.optim.Adam. */
export interface AdamOptions {
  readonly kind?: 'adam';
  readonly learningRate: number;
  /** Default 0.5. */
  readonly beta1?: number;
  /** Default 0.999. */
  readonly beta2?: number;
  /** Default 1e-8. */
  readonly epsilon?: number;
  /** Coupled, unlike AdamW's: this fraction of each parameter is added to its gradient. Default 0. */
  readonly weightDecay?: number;
  /** Changes the learning rate over the run. By default it is constant. */
  readonly schedule?: LearningRateSchedule;
}

/**
 * torch.optim.Adam (Kingma & Ba, algorithm 1; epsilon outside the corrected root):
 * `g += decay p`, `m = b1 m + (1 - b1) g`, `v = b2 v + (1 - b2) g^2`,
 * `p -= lr / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + eps)`.
 * The set of parameters is fixed; moments are stored by parameter name. Bias corrections are computed in float64
 * on the host.
 */
export class Adam implements Optimizer {
  readonly #parameters: ReadonlyMap<string, Variable>;
  readonly #options: Required<Omit<AdamOptions, 'schedule' | 'kind'>>;
  readonly #schedule: LearningRateSchedule | undefined;
  readonly #firstMoments: ReadonlyMap<string, Variable>;
  readonly #secondMoments: ReadonlyMap<string, Variable>;
  #step = 0;

  /** @throws {DskdError} `invalid-config` */
  constructor(parameters: ReadonlyMap<string, Variable>, options: AdamOptions) {
    const { learningRate, beta1 = 0.5, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0, schedule } = options;
    const betas = [beta1, beta2].every((beta) => beta >= 0 && beta < 1);
    const valid = learningRate > 0 && epsilon > 0 && betas && weightDecay >= 0;
    if (!valid || !Number.isFinite(learningRate + weightDecay)) {
      throw new DskdError(
        'invalid-config',
        `Got Adam with learning rate ${learningRate}, betas ${beta1} and ${beta2}, epsilon ${epsilon}, ` +
          `weight decay ${weightDecay}; wanted a positive rate and epsilon, betas in [0, 1), a decay of at least 0.`,
        { details: { learningRate, beta1, beta2, epsilon, weightDecay } },
      );
    }
    if (schedule) assertSchedule(schedule);
    this.#options = { learningRate, beta1, beta2, epsilon, weightDecay };
    this.#schedule = schedule;
    this.#parameters = new Map(parameters);
    this.#firstMoments = constantLike(parameters);
    this.#secondMoments = constantLike(parameters);
  }

  apply(gradients: ReadonlyMap<string, Tensor>): void {
    assertGradients(this.#parameters, gradients);
    const factor = this.#schedule ? rateFactor(this.#schedule, this.#step) : 1;
    this.#step += 1;
    const { learningRate, beta1, beta2, epsilon, weightDecay } = this.#options;
    const stepSize = (learningRate * factor) / (1 - beta1 ** this.#step);
    const rootCorrection = Math.sqrt(1 - beta2 ** this.#step);
    tidy(() => {
      const [keepFirst, takeFirst] = [scalar(beta1), scalar(1 - beta1)];
      const [keepSecond, takeSecond] = [scalar(beta2), scalar(1 - beta2)];
      const [rootScale, tiny, rate] = [scalar(rootCorrection), scalar(epsilon), scalar(stepSize)];
      const decay = scalar(weightDecay);
      for (const [name, parameter] of this.#parameters) {
        const first = this.#firstMoments.get(name)!;
        const second = this.#secondMoments.get(name)!;
        const plain = gradients.get(name)!;
        const gradient = weightDecay === 0 ? plain : tidy(() => add(plain, mul(parameter, decay)));
        // One tidy per update: at most four temporary arrays of the parameter's size exist at a time.
        tidy(() => first.assign(add(mul(first, keepFirst), mul(gradient, takeFirst))));
        tidy(() => second.assign(add(mul(second, keepSecond), mul(square(gradient), takeSecond))));
        tidy(() => {
          const denominator = tidy(() => add(div(sqrt(second), rootScale), tiny));
          parameter.assign(sub(parameter, mul(div(first, denominator), rate)));
        });
        if (gradient !== plain) gradient.dispose();
      }
    });
  }

  async capture(): Promise<OptimizerState> {
    return {
      step: this.#step,
      firstMoments: await captureVariables(this.#firstMoments),
      secondMoments: await captureVariables(this.#secondMoments),
    };
  }

  restore(state: OptimizerState): void {
    restoreVariables(this.#firstMoments, state.firstMoments, 'first moments');
    restoreVariables(this.#secondMoments, state.secondMoments, 'second moments');
    this.#step = state.step;
  }

  dispose(): void {
    for (const moments of [this.#firstMoments, this.#secondMoments]) {
      for (const moment of moments.values()) moment.dispose();
    }
  }
}
