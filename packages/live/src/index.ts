export { AlarmRule, type AlarmRuleOptions } from './alarm-rule.js';
export { Area } from './area.js';
export { inspect, type InspectedFrame, type InspectEvent, type InspectOptions } from './inspect.js';
export { LatestFrames } from './latest-frames.js';
export { Schedule } from './schedule.js';
export type { Frame, Source } from './source.js';
