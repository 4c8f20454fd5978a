import type { z } from 'zod';
import { calibrateOptions } from './calibrate.js';
import { combineOptions } from './combine.js';
import { evaluateOptions } from './evaluate.js';
import { predictOptions } from './predict.js';
import { trainOptions } from './train.js';

/** The commands that take a config file. */
export const CONFIGURABLE: Readonly<Record<string, z.ZodObject>> = {
  train: trainOptions,
  evaluate: evaluateOptions,
  predict: predictOptions,
  calibrate: calibrateOptions,
  combine: combineOptions,
};
