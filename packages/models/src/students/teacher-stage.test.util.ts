import type { StateDict } from '@dskd/weights';
import { NetworkPlan } from '../layers/network-plan.js';
import { globalBottleneck, type Bottleneck } from './bottlenecks.js';
import { mapShapesOf, resolveStudentConfig, type StudentOptions } from './student-config.js';
import { loadState } from '../layers/state-dict.js';

export const INFERENCE = { training: false, batchNormMomentum: 0.1 };

/** The bottleneck alone, before its GCCB, holding the teacher's stage. */
export function bottleneckOf(
  options: StudentOptions,
  state: StateDict,
): { stage: Bottleneck; plan: NetworkPlan } {
  const config = resolveStudentConfig({ ...options, gccb: { variant: 'none' } });
  const plan = new NetworkPlan();
  const stage = globalBottleneck(plan, mapShapesOf(config), config.architecture);
  plan.allocate(1);
  // Not partial: the state must be everything that the stage is made of.
  loadState(plan.slots, state);
  return { stage, plan };
}
