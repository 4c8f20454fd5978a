export type { Alarm, AlarmEvent } from './node/alarm.js';
export { LiveMetrics } from './node/metrics.js';
export { runLive, type LiveOptions } from './node/run-live.js';
export { parseSink, type SinkSecrets } from './node/sinks/address.js';
export type { Sink } from './node/sinks/sink.js';
export { parseSource, type ParseSourceOptions } from './node/sources/address.js';
export type { LiveSummary } from './node/summary.js';
