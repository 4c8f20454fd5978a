import type { HeatMaps } from '../heat-maps/heat-maps.js';
import type { Models } from '../models/models.js';
import type { ResolvedOptions } from './options.js';
import type { Predictions } from './predictions.js';
import type { Uploads } from './uploads.js';

/** What routes use. */
export interface Services {
  readonly models: Models;
  readonly options: ResolvedOptions;
  readonly uploads: Uploads;
  readonly predictions: Predictions;
  readonly heatMaps: HeatMaps;
  readonly state: { isReady(): boolean };
}
