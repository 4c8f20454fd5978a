export type { Alarm, AlarmEvent, AlarmImage } from './node/alarm.js';
export type { SpoolLimits } from './node/delivery/spool.js';
export { LiveMetrics } from './node/metrics.js';
export { runLive, type LiveOptions, type ScoredFrame } from './node/run-live.js';
export type { LiveLog } from './node/run.js';
export { parseSink, type SinkSecrets } from './node/sinks/address.js';
export type { Sink } from './node/sinks/sink.js';
export { parseSource, type ParseSourceOptions } from './node/sources/address.js';
export type { LiveSummary, SinkSummary } from './node/summary.js';
