import os from 'node:os';
import { DskdError } from '@dskd/base';
import { estimateTraining, type TrainDetectorOptions, type TrainingCost } from '@dskd/detector';
import { printJson } from '../../output/print.js';
import { formatDuration } from '../../output/progress.js';

const gibibytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

/** Memory that this process may use, in bytes: that of the machine, or the limit of its container. */
function memoryHere(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, os.totalmem()) : os.totalmem();
}

/** The cost of a training as a sentence. */
export function describeCost({ bytes, seconds, secondsPerStep, steps }: TrainingCost): string {
  const memory = `this needs ${gibibytes(bytes)} of memory`;
  if (steps === 0)
    return `${memory} here; the method has no training steps to measure: most of its time is one pass over the images`;
  if (seconds === null || secondsPerStep === null) return `${memory} here`;
  return (
    `${memory} and at most about ${formatDuration(seconds)} here: ` +
    `${steps} steps of ${secondsPerStep.toFixed(2)} s (measured)`
  );
}

/** @throws {DskdError} `out-of-memory` if the training does not fit, with alternatives that do. */
export function assertFitsHere({ bytes, memory, alternatives }: TrainingCost, available: number): void {
  if (memory.exceeded.length === 0 && bytes <= available) return;
  throw new DskdError(
    'out-of-memory',
    `The training needs ${gibibytes(bytes)}, more than there is here (${gibibytes(available)}, and 4 GiB in each heap of wasm).`,
    { details: { bytes, available, alternatives } },
  );
}

/**
 * Prints the memory and time that a training takes on this machine, before it starts.
 * @throws {DskdError} `out-of-memory` if it does not fit, with alternatives that do.
 */
export async function printCost(options: TrainDetectorOptions, json: boolean): Promise<void> {
  const available = memoryHere();
  if (!json) process.stderr.write('measuring the first steps, where the method has any\n');
  const cost = await estimateTraining(options, { availableBytes: available });
  if (json) printJson({ type: 'training-cost', ...cost });
  else process.stderr.write(`${describeCost(cost)}\n`);
  assertFitsHere(cost, available);
}
