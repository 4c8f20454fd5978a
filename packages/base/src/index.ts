export { base64 } from './base64.js';
export { describeValue } from './describe-value.js';
export { ERROR_CATALOG } from './error-catalog.js';
export { DskdError, isDskdError, throwIfAborted, type DskdErrorOptions, type ErrorCode } from './errors.js';
export type { DskdEvent, EventListener, HistoryEntry } from './events.js';
export { assertPixelBuffer, type PixelBuffer } from './pixel-buffer.js';
export { prefetch } from './prefetch.js';
export { randomStream, type RandomStream } from './random.js';
export { withinTime } from './within-time.js';
