import {
  add,
  dispose,
  div,
  engine,
  getBackend,
  getKernel,
  mul,
  scalar,
  sqrt,
  square,
  sub,
  tidy,
  type KernelConfig,
  type Scalar,
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
 * A kernel that a backend may have in addition to those of TensorFlow.js: `@dskd/wasm-gradients` registers it for wasm. From the inputs
 * `parameter`, `first`, `second` and `gradient` it makes the next parameter and moments, with the bits of the operations of TensorFlow.js, in
 * one pass over the memory.
 */
const UPDATE_KERNEL = 'AdamUpdate';

/** `m = keepFirst m + takeFirst g`, `v = keepSecond v + takeSecond g^2`, `p -= stepSize m / (sqrt(v) / rootScale + epsilon)`. */
interface AdamNumbers {
  readonly keepFirst: number;
  readonly takeFirst: number;
  readonly keepSecond: number;
  readonly takeSecond: number;
  readonly rootScale: number;
  readonly epsilon: number;
  readonly stepSize: number;
}

interface Updated {
  readonly parameter: Variable;
  readonly first: Variable;
  readonly second: Variable;
  readonly gradient: Tensor;
}

/** What updates one parameter after another, with the backend that is current. */
function updateBy(numbers: AdamNumbers): (updated: Updated) => void {
  const fused = getKernel(UPDATE_KERNEL, getBackend()) as KernelConfig | undefined;
  return fused ? updateByKernel(numbers) : updateByOperations(numbers);
}

function updateByKernel(numbers: AdamNumbers): (updated: Updated) => void {
  return ({ parameter, first, second, gradient }) => {
    const inputs = { parameter, first, second, gradient };
    const next = engine().runKernel<Tensor[]>(UPDATE_KERNEL, inputs, { ...numbers });
    [parameter, first, second].forEach((variable, at) => variable.assign(next[at]!));
    dispose(next);
  };
}

function updateByOperations(numbers: AdamNumbers): (updated: Updated) => void {
  const [keepFirst, takeFirst] = [scalar(numbers.keepFirst), scalar(numbers.takeFirst)];
  const [keepSecond, takeSecond] = [scalar(numbers.keepSecond), scalar(numbers.takeSecond)];
  const [rootScale, tiny, rate] = [numbers.rootScale, numbers.epsilon, numbers.stepSize].map((value) =>
    scalar(value),
  ) as [Scalar, Scalar, Scalar];
  return ({ parameter, first, second, gradient }) => {
    // One tidy per update: at most four temporary arrays of the parameter's size exist at a time.
    tidy(() => first.assign(add(mul(first, keepFirst), mul(gradient, takeFirst))));
    tidy(() => second.assign(add(mul(second, keepSecond), mul(square(gradient), takeSecond))));
    tidy(() => {
      const denominator = tidy(() => add(div(sqrt(second), rootScale), tiny));
      parameter.assign(sub(parameter, mul(div(first, denominator), rate)));
    });
  };
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
    const numbers: AdamNumbers = {
      keepFirst: beta1,
      takeFirst: 1 - beta1,
      keepSecond: beta2,
      takeSecond: 1 - beta2,
      rootScale: Math.sqrt(1 - beta2 ** this.#step),
      epsilon,
      stepSize: (learningRate * factor) / (1 - beta1 ** this.#step),
    };
    tidy(() => {
      const decay = scalar(weightDecay);
      const update = updateBy(numbers);
      for (const [name, parameter] of this.#parameters) {
        const plain = gradients.get(name)!;
        const gradient = weightDecay === 0 ? plain : tidy(() => add(plain, mul(parameter, decay)));
        update({
          parameter,
          first: this.#firstMoments.get(name)!,
          second: this.#secondMoments.get(name)!,
          gradient,
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
