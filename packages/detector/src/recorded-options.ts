import { DEFAULT_FALSE_ALARM_RATE } from './detector.js';
import type { TrainingRecord } from './description.js';
import { DEFAULT_BRANCHES, TRAINING_DEFAULTS, type TrainDetectorOptions } from './training-options.js';

/**
 * The options of a training that its record would not tell otherwise, every choice made, after what the caller
 * wants recorded.
 */
export function recordedOptions(options: TrainDetectorOptions): TrainingRecord['options'] {
  const {
    holdOutFraction = TRAINING_DEFAULTS.holdOutFraction,
    calibrateOnTraining = false,
    statisticsOn = 'calibration',
    falseAlarmRate = DEFAULT_FALSE_ALARM_RATE,
    initialize,
    branches = DEFAULT_BRANCHES,
  } = options;
  const own = {
    holdOutFraction,
    calibrateOnTraining,
    statisticsOn,
    falseAlarmRate,
    initialize: { global: initialize?.global ?? 'random' },
    optimizers: Object.fromEntries(
      Object.entries(branches).map(([name, { optimizer }]) => [name, optimizer]),
    ),
  };
  return JSON.parse(JSON.stringify({ ...options.options, ...own })) as TrainingRecord['options'];
}
