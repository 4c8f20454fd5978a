import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs';
import { startWebgpu } from './webgpu.js';

export const BACKENDS = ['cpu', 'wasm', 'webgpu'] as const;
export type BackendName = (typeof BACKENDS)[number];

/**
 * Largest allowed difference between the float32 result of a backend and the exact result, relative to the largest
 * exact entry, by kind of computation. Tests name the kind. A larger number here needs a comment with the reason.
 */
export const TOLERANCES: Readonly<Record<BackendName, Readonly<Record<ToleranceKind, number>>>> = {
  cpu: { elementwise: 1e-6, reduction: 1e-5, network: 1e-4 },
  wasm: { elementwise: 1e-6, reduction: 1e-5, network: 1e-4 },
  // GPU compilers reorder operations; exp and pow are accurate to a few units in the last place.
  webgpu: { elementwise: 4e-6, reduction: 2e-5, network: 2e-4 },
};
export type ToleranceKind = 'elementwise' | 'reduction' | 'network';

export interface Exclusion {
  readonly backend: BackendName;
  /** Substring of the full test title that {@link describeBackends} was given. */
  readonly suite: string;
  readonly reason: string;
  /** It runs where DSKD_ALL_ON_WEBGPU=1, as the nightly workflow sets it. Default: it runs nowhere. */
  readonly nightly?: boolean;
}

/** Suites that do not run on a backend, with the reason. */
export const EXCLUSIONS: readonly Exclusion[] = [
  {
    backend: 'webgpu',
    suite: 'backbone resnet50_v1',
    reason: 'minutes on a software adapter, for the kernels that teacher-tiny and squeezenet1_1 have',
  },
  ...[
    'backbone resnet18',
    'trainable backbone teacher-tiny',
    'patch networks',
    'f-AnoGAN',
    'networks of images',
    'parameters in groups',
  ].map((suite) => ({
    backend: 'webgpu' as const,
    suite,
    nightly: true,
    reason:
      'about a minute on a software adapter, for kernels that the layers, backbones and students have, too',
  })),
  {
    backend: 'webgpu',
    suite: 'detector, trained and saved',
    reason:
      'whole training runs take many minutes on a software adapter, and files are bit-equal on cpu and wasm only; ' +
      'the parts are tested on webgpu in their own packages',
  },
];

function requestedBackends(): BackendName[] {
  const names = (process.env.DSKD_TEST_BACKENDS ?? 'cpu,wasm').split(',');
  return BACKENDS.filter((name) => names.includes(name));
}

/** Selects the backend `name` and loads what it needs. */
export async function useBackend(name: BackendName): Promise<void> {
  if (name === 'webgpu') await startWebgpu();
  if (!(await tf.setBackend(name))) throw new Error(`The ${name} backend did not start.`);
  await tf.ready();
}

export interface SuiteOptions {
  /** `slow`: the cpu backend takes so long that it has its turn in the slow tier, with webgpu. Default `fast`. */
  readonly cpu?: 'fast' | 'slow';
}

/**
 * Declares `suite` once for each tested backend: cpu and wasm in the fast tier, webgpu in the slow tier. Excluded
 * suites are reported as skipped, with the reason.
 */
export function describeBackends(
  title: string,
  suite: (backend: BackendName) => void,
  { cpu = 'fast' }: SuiteOptions = {},
): void {
  const turn = process.env.DSKD_TEST_TIER === 'webgpu' ? 'slow' : 'fast';
  for (const backend of requestedBackends()) {
    if (backend === 'cpu' && cpu !== turn) {
      describe.skip(`${title} [cpu] (in the ${cpu} tier)`, () => suite(backend));
      continue;
    }
    const exclusion = EXCLUSIONS.find(
      (entry) =>
        entry.backend === backend &&
        title.includes(entry.suite) &&
        !(entry.nightly && process.env.DSKD_ALL_ON_WEBGPU === '1'),
    );
    if (exclusion) {
      describe.skip(`${title} [${backend}] (excluded: ${exclusion.reason})`, () => suite(backend));
      continue;
    }
    describe(`${title} [${backend}]`, () => {
      beforeAll(() => useBackend(backend));
      suite(backend);
    });
  }
}
