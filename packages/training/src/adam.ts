import {
  add,
  div,
  mul,
  scalar,
  sqrt,
  square,
  sub,
  tidy,
  variable,
  zeros,
  type Tensor,
  type Variable,
} from '@tensorflow/tfjs-core';
import { DskdError } from '@dskd/base';
import { assertSchedule, rateFactor, type LearningRateSchedule } from './schedule.js';
import { captureVariables, restoreVariables, type AdamState } from './training-state.js';

/** Options of {@link Adam}, named as in torch.optim.Adam. */
export interface AdamOptions {
  readonly learningRate: number;
  /** Default 0.5. */
  readonly beta1?: number;
  /** Default 0.999. */
  readonly beta2?: number;
  /** Default 1e-8. */
  readonly epsilon?: number;
  /** Changes the learning rate over the run. By default it is constant. */
  readonly schedule?: LearningRateSchedule;
}

/**
 * torch.optim.Adam (Kingma & Ba, algorithm 1; epsilon outside the corrected root):
 * `m = b1 m + (1 - b1) g`, `v = b2 v + (1 - b2) g^2`,
 * `p -= lr / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + eps)`.
 * The set of parameters is fixed; moments are stored by parameter name. Bias corrections are computed in float64
 * on the host.
 */
export class Adam {
  readonly #parameters: ReadonlyMap<string, Variable>;
  readonly #options: Required<Omit<AdamOptions, 'schedule'>>;
  readonly #schedule: LearningRateSchedule | undefined;
  readonly #firstMoments: ReadonlyMap<string, Variable>;
  readonly #secondMoments: ReadonlyMap<string, Variable>;
  #step = 0;

  /** @throws {DskdError} `invalid-config` */
  constructor(parameters: ReadonlyMap<string, Variable>, options: AdamOptions) {
    const { learningRate, beta1 = 0.5, beta2 = 0.999, epsilon = 1e-8, schedule } = options;
    const valid = learningRate > 0 && epsilon > 0 && [beta1, beta2].every((beta) => beta >= 0 && beta < 1);
    if (!valid || !Number.isFinite(learningRate)) {
      throw new DskdError(
        'invalid-config',
        `Got Adam with learning rate ${learningRate}, betas ${beta1} and ${beta2}, epsilon ${epsilon}; ` +
          'wanted a positive rate and epsilon, betas in [0, 1).',
        { details: { learningRate, beta1, beta2, epsilon } },
      );
    }
    if (schedule) assertSchedule(schedule);
    this.#options = { learningRate, beta1, beta2, epsilon };
    this.#schedule = schedule;
    this.#parameters = new Map(parameters);
    this.#firstMoments = zerosLike(parameters);
    this.#secondMoments = zerosLike(parameters);
  }

  /**
   * Updates every parameter once. The caller disposes `gradients`.
   * @param gradients by parameter name, one for each parameter, of the parameter's shape.
   * @throws {DskdError} `invalid-argument` naming a parameter without gradient; then nothing was updated.
   */
  apply(gradients: ReadonlyMap<string, Tensor>): void {
    for (const name of this.#parameters.keys()) {
      if (!gradients.has(name)) {
        throw new DskdError('invalid-argument', `The parameter '${name}' received no gradient.`, {
          hint: 'Every parameter of a student must contribute to its objective; remove unused parameters.',
          details: { parameter: name },
        });
      }
    }
    const factor = this.#schedule ? rateFactor(this.#schedule, this.#step) : 1;
    this.#step += 1;
    const { learningRate, beta1, beta2, epsilon } = this.#options;
    const stepSize = (learningRate * factor) / (1 - beta1 ** this.#step);
    const rootCorrection = Math.sqrt(1 - beta2 ** this.#step);
    tidy(() => {
      const [keepFirst, takeFirst] = [scalar(beta1), scalar(1 - beta1)];
      const [keepSecond, takeSecond] = [scalar(beta2), scalar(1 - beta2)];
      const [rootScale, tiny, rate] = [scalar(rootCorrection), scalar(epsilon), scalar(stepSize)];
      for (const [name, parameter] of this.#parameters) {
        const first = this.#firstMoments.get(name)!;
        const second = this.#secondMoments.get(name)!;
        const gradient = gradients.get(name)!;
        // One tidy per update: at most four temporary arrays of the parameter's size exist at a time.
        tidy(() => first.assign(add(mul(first, keepFirst), mul(gradient, takeFirst))));
        tidy(() => second.assign(add(mul(second, keepSecond), mul(square(gradient), takeSecond))));
        tidy(() => {
          const denominator = tidy(() => add(div(sqrt(second), rootScale), tiny));
          parameter.assign(sub(parameter, mul(div(first, denominator), rate)));
        });
      }
    });
  }

  async capture(): Promise<AdamState> {
    return {
      step: this.#step,
      firstMoments: await captureVariables(this.#firstMoments),
      secondMoments: await captureVariables(this.#secondMoments),
    };
  }

  /** @throws {DskdError} `shape-mismatch` */
  restore(state: AdamState): void {
    restoreVariables(this.#firstMoments, state.firstMoments, 'first moments');
    restoreVariables(this.#secondMoments, state.secondMoments, 'second moments');
    this.#step = state.step;
  }

  /** Disposes the moments, not the parameters. */
  dispose(): void {
    for (const moments of [this.#firstMoments, this.#secondMoments]) {
      for (const moment of moments.values()) moment.dispose();
    }
  }
}

function zerosLike(parameters: ReadonlyMap<string, Variable>): Map<string, Variable> {
  const moments = new Map<string, Variable>();
  for (const [name, { shape }] of parameters) {
    moments.set(
      name,
      tidy(() => variable(zeros(shape), false)),
    );
  }
  return moments;
}
