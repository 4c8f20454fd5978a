import '@tensorflow/tfjs';
import type { HistoryEntry } from '@dskd/base';
import { selectBackend } from '@dskd/core/backends';
import type { ImageSource } from '@dskd/data';
import { trainDetector, type Detector, type TrainDetectorOptions } from '@dskd/detector';
import { TRAINING_DEFAULTS } from '@dskd/methods';
import { workerRunnerFor } from '@dskd/methods/node';
import { loadTeacher } from '@dskd/models';
import { teacherTiny } from '@dskd/teacher-tiny';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import type { Progress } from './progress.js';

export interface Trained extends Disposable {
  readonly detector: Detector;
  /** Loss of each student, epoch by epoch; empty for a method without students. */
  readonly history: readonly HistoryEntry[];
}

export interface TrainingSettings {
  readonly seed: number;
  readonly epochs: number;
}

/** The methods that are shown side by side: the default, and the paper's. */
export const METHODS = ['instant', 'dskd'] as const;
export type ShownMethod = (typeof METHODS)[number];

/** Pixels, both ways. */
export const INPUT_SIZE = 256;

/**
 * What two cores train in minutes. Faults of a few pixels need large images, so the teacher's shallow level, which
 * costs most and sees least, is left out, and students are narrower than `nano` (docs/decisions/0022).
 */
const STUDENT_LEVELS = ['layer2', 'layer3'];
const ARCHITECTURE = { decoderWidths: [32, 64], fusionWidths: [32], phiChannels: 64 };

/** Both students by flattened cosine: contextual affinity takes more steps than there is time for. */
const BRANCHES = {
  local: TRAINING_DEFAULTS.dskd.branches.local,
  global: { ...TRAINING_DEFAULTS.dskd.branches.local, branch: 'global' },
} as const;

/** Options of the paper's students; `instant` needs none. */
function studentOptions(epochs: number): Pick<TrainDetectorOptions, 'options' | 'execution'> {
  return {
    options: {
      preset: 'nano',
      architecture: ARCHITECTURE,
      branches: BRANCHES,
      batchSize: 8, // twice the steps in the same time
      epochs,
      reestimateBatchNorm: true,
    },
    execution: { runner: workerRunnerFor() },
  };
}

/** Trains a detector on the good images of `source`; students each in a thread of its own. */
export async function train(
  method: ShownMethod,
  source: ImageSource,
  { seed, epochs }: TrainingSettings,
  progress: Progress,
  signal: AbortSignal,
): Promise<Trained> {
  await selectBackend('wasm');
  registerWasmGradients();
  const embedded = teacherTiny();
  const levels = method === 'dskd' ? { levels: STUDENT_LEVELS } : {};
  const teacher = await loadTeacher(embedded.name, await embedded.load(), levels);
  const history: HistoryEntry[] = [];
  try {
    const detector = await trainDetector({
      source,
      teacher,
      method,
      ...(method === 'dskd' && studentOptions(epochs)),
      input: { size: [INPUT_SIZE, INPUT_SIZE] },
      seed,
      signal,
      onEvent: (event) => {
        if (event.type === 'epoch-end') history.push(event);
        progress.listener(event);
      },
    });
    const dispose = (): void => {
      detector.dispose();
      teacher.dispose();
    };
    return { detector, history, [Symbol.dispose]: dispose };
  } catch (error) {
    teacher.dispose();
    throw error;
  }
}
