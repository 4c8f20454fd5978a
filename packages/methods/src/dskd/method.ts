import type { Method, ScoringDefaults } from '../contract.js';
import { fitStudents } from './fit.js';
import { alternatives, estimateCost } from './memory.js';
import { combineModels, restoreModel } from './model.js';
import {
  asDskdOptions,
  dskdOptions,
  paperOptions,
  rdOptions,
  type DskdOptions,
  type RdOptions,
} from './options.js';

/** Local students see tiles, global ones whole images. */
function tilingOf(options: DskdOptions): {
  readonly tile: DskdOptions | null;
  readonly whole: DskdOptions | null;
} {
  const seeing = (which: 'local' | 'global'): DskdOptions | null => {
    const branches = Object.entries(options.branches).filter(([, { branch }]) => branch === which);
    return branches.length === 0 ? null : { ...options, branches: Object.fromEntries(branches) };
  };
  return { tile: seeing('local'), whole: seeing('global') };
}

const needs = { teacher: true, validation: false } as const;

/**
 * The paper's preset keeps Eq. 8. Of smaller students, which train for minutes, one is often far behind the other, and a sum adds its
 * errors: bench/quality-time.md, decision 0054.
 */
function scoringOf({ preset }: DskdOptions): ScoringDefaults | undefined {
  return preset === 'paper' ? undefined : { normalization: 'image-scores', fusion: 'soft-maximum' };
}

/**
 * DSKD, "Contextual Affinity Distillation for Image Anomaly Detection" (Zhang, Suganuma and Okatani, WACV 2024): a local
 * student (reverse distillation) and a global student (a context-condensing bottleneck, contextual affinity).
 */
export const dskdMethod: Method<DskdOptions> = {
  name: 'dskd',
  summary: 'a local and a global student of a frozen teacher (Zhang, Suganuma and Okatani, WACV 2024)',
  options: dskdOptions,
  profiles: { paper: paperOptions(), lite: dskdOptions.parse({}) },
  needs,
  keepsPatches: () => false,
  scoring: scoringOf,
  tiling: tilingOf,
  estimate: estimateCost,
  alternatives,
  fit: (input, options) => fitStudents('dskd', input, options),
  restore: (saved, context) => Promise.resolve().then(() => restoreModel('dskd', saved, context)),
  combine: combineModels,
};

/** Reverse distillation (Deng and Li, CVPR 2022): the local student of `dskd` alone. */
export const rdMethod: Method<RdOptions> = {
  name: 'rd',
  summary: 'reverse distillation, the local student of dskd alone (Deng and Li, CVPR 2022)',
  options: rdOptions,
  profiles: {
    paper: rdOptions.parse({
      preset: 'paper',
      epochs: 200,
      optimizer: { learningRate: 0.005, beta1: 0.5, beta2: 0.999 },
    }),
    lite: rdOptions.parse({}),
  },
  needs,
  keepsPatches: () => false,
  tiling: (options) => ({ tile: options, whole: null }),
  estimate: (plan, options) => estimateCost(plan, asDskdOptions(options)),
  alternatives: (plan, options, availableBytes) => alternatives(plan, asDskdOptions(options), availableBytes),
  fit: (input, options) => fitStudents('rd', input, asDskdOptions(options)),
  restore: (saved, context) => Promise.resolve().then(() => restoreModel('rd', saved, context)),
};
