import os from 'node:os';
import { DskdError } from '@dskd/base';
import { estimateTraining, type TrainDetectorOptions, type TrainingCost } from '@dskd/detector';
import { printJson } from '../output.js';
import { formatDuration } from '../render/duration.js';

const gibibytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

/** All the memory this process may have: the machine's, or what a container is given of it. */
function memoryHere(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, os.totalmem()) : os.totalmem();
}

/** What a training costs, for people. */
export function describeCost({ bytes, seconds, secondsPerStep, steps, scaled }: TrainingCost): string {
  return (
    `this needs ${gibibytes(bytes)} of memory and ${scaled ? 'roughly' : 'about'} ${formatDuration(seconds)} here: ` +
    `${steps} steps of ${secondsPerStep.toFixed(2)} s (measured${scaled ? ' on a smaller step' : ''})`
  );
}

/** @throws {DskdError} `out-of-memory` where a training cannot fit, with what would. */
export function assertFitsHere({ bytes, alternative }: TrainingCost, available: number): void {
  if (alternative === undefined) return;
  throw new DskdError(
    'out-of-memory',
    `The training needs ${gibibytes(bytes)}, more than there is here (${gibibytes(available)}, and 4 GiB in each heap of wasm).`,
    { hint: alternative, details: { bytes, available } },
  );
}

/**
 * Says what a training will cost on this machine, before it starts.
 * @throws {DskdError} `out-of-memory` where it cannot fit, with what would.
 */
export async function sayCost(options: TrainDetectorOptions, json: boolean): Promise<void> {
  const available = memoryHere();
  if (!json) process.stderr.write('measuring a step\n');
  const cost = await estimateTraining(options, { availableBytes: available });
  if (json) printJson({ type: 'training-cost', ...cost });
  else process.stderr.write(`${describeCost(cost)}\n`);
  assertFitsHere(cost, available);
}
