import type { BranchOutput, BranchTensors } from './contract.js';

/** Outputs whose image scores are read back. Disposes the tensors of the scores, and keeps the maps. */
export async function outputsOf(tensors: readonly BranchTensors[]): Promise<BranchOutput[]> {
  const outputs: BranchOutput[] = [];
  try {
    for (const { name, map, scores } of tensors) {
      outputs.push(scores ? { name, map: null, scores: await scores.data<'float32'>() } : { name, map });
    }
    return outputs;
  } catch (error) {
    for (const { map } of tensors) map?.dispose();
    throw error;
  } finally {
    for (const { scores } of tensors) scores?.dispose();
  }
}
