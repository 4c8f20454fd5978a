export {
  BACKENDS,
  describeBackends,
  EXCLUSIONS,
  TOLERANCES,
  useBackend,
  type BackendName,
  type Exclusion,
  type ToleranceKind,
} from './backends.js';
export { chromiumMissing, startChromium, type Chromium } from './chromium.js';
export { expectClose, expectNoNewTensors, type Closeness } from './expectations.js';
export { type Golden, type GoldenArray, integerFill, readGolden } from './golden.js';
export { describeReadmeExamples, runExamples } from './readme-examples.js';
export { redisMissing, startRedis, type Redis, type RedisOptions } from './redis.js';
export { runInChromium, type PageOptions, type PageResult } from './run-in-chromium.js';
