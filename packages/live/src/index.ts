export { AlarmRule, type AlarmRuleOptions } from './alarm-rule.js';
export { Area, cropPixels } from './area.js';
export type { BackoffOptions } from './backoff.js';
export { inspect, type InspectedFrame, type InspectEvent, type InspectOptions } from './inspect.js';
export type { SourceEvent } from './kept-open.js';
export { LatestFrames } from './latest-frames.js';
export { Schedule } from './schedule.js';
export type { Frame, Source } from './source.js';
