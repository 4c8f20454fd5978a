import { defineCommand, type CommandGroup } from '../define-command.js';
import {
  boolean,
  choice,
  number,
  option,
  positiveInteger,
  positiveNumber,
  text,
  wholeNumber,
  type OptionValues,
} from '../options/option.js';
import {
  backendOption,
  ignoreMaskOption,
  outputOptions,
  pluginOption,
  redisOption,
  teacherWeightsOption,
} from '../options/shared.js';

const PLAN = ['<plan>', 'the folder that dskd queue submit printed'] as const;

export const submitOptions = {
  storage: option(text(), 'folder that all machines see at this path: it takes model, plan and results', {
    main: true,
    value: 'dir',
    path: true,
  }),
  on: redisOption('queue the shards in this Redis'),
  shardSize: option(positiveInteger().default(64), 'images of a shard', { main: true, value: 'images' }),
  list: option(text().optional(), 'file with a path or URL in each line, or {"path": …, "sha256": …}', {
    main: true,
    value: 'file',
    path: true,
  }),
  threshold: option(number().optional(), 'images with a higher score are anomalous', {
    main: true,
    value: 'score',
    defaultText: "the model's own",
  }),
  minArea: option(
    positiveInteger().default(1),
    "smallest region reported, in pixels of the network's input",
    { value: 'pixels' },
  ),
  ignoreMask: ignoreMaskOption,
  weights: teacherWeightsOption,
  engine: option(
    choice('auto', 'tfjs', 'onnx').default('auto'),
    'what computes on all workers: auto decides here and now as dskd predict does',
    { main: true, value: 'name' },
  ),
  backend: backendOption,
  plugin: pluginOption,
  manifest: option(
    text().optional(),
    'write an indexed Job of Kubernetes that scores the plan without Redis',
    {
      main: true,
      group: 'Kubernetes',
      value: 'file',
      path: true,
    },
  ),
  containerImage: option(text().default('registry.example.com/dskd:1.0.0'), 'container image with dskd', {
    group: 'Kubernetes',
    value: 'image',
  }),
  claim: option(text().default('dskd-storage'), 'claim of the volume with storage and images', {
    group: 'Kubernetes',
    value: 'name',
  }),
  mount: option(text().optional(), 'where the volume is mounted', {
    group: 'Kubernetes',
    value: 'dir',
    path: true,
    defaultText: 'the storage',
  }),
  parts: option(positiveInteger().optional(), 'pods in all, each with its part of the shards', {
    group: 'Kubernetes',
    value: 'count',
    defaultText: 'one for each shard, at most 1000',
  }),
  parallelism: option(positiveInteger().default(10), 'pods at a time', {
    group: 'Kubernetes',
    value: 'count',
  }),
  ...outputOptions('the plan as one line of JSON'),
};
export type SubmitOptions = OptionValues<typeof submitOptions>;

const submit = defineCommand({
  name: 'submit',
  summary: 'divide images into shards, and queue them for workers on other machines',
  arguments: [
    ['<model>', 'a file that dskd train or dskd export wrote'],
    ['[images...]', 'images, folders of images, or URLs'],
  ],
  options: submitOptions,
  run: async (options, [model, ...images], signal) =>
    (await import('./queue/submit.js')).runSubmit(model!, images, options, signal),
});

export const workOptions = {
  on: redisOption('take work from the queue in this Redis'),
  benchmark: option(
    boolean().default(false),
    'train cells of dskd benchmark --on instead of scoring images',
    {
      main: true,
      flagOnly: true,
    },
  ),
  shard: option(wholeNumber().optional(), 'of a plan, without Redis: the part to score, from 0', {
    main: true,
    value: 'number',
    defaultText: 'JOB_COMPLETION_INDEX',
  }),
  of: option(
    positiveInteger().optional(),
    'how many parts there are; part I has the shards I, I + COUNT, I + 2 COUNT, …',
    {
      main: true,
      value: 'count',
      defaultText: 'as many as shards',
    },
  ),
  workers: option(positiveInteger().optional(), 'worker threads, each with the whole model', {
    main: true,
    value: 'count',
    defaultText: 'the cores',
  }),
  threads: option(
    positiveInteger().default(1),
    'threads that compute in each worker: of ONNX Runtime, or of the backend wasm',
    { value: 'count' },
  ),
  untilDone: option(boolean().default(false), 'end when nothing is queued', { main: true, flagOnly: true }),
  grace: option(
    positiveNumber().default(20),
    'after Ctrl-C or SIGTERM, finish in so many seconds, or give the work back',
    { value: 'seconds' },
  ),
  plugin: pluginOption,
  ...outputOptions('events as JSON lines on standard output'),
};
export type WorkOptions = OptionValues<typeof workOptions>;

const work = defineCommand({
  name: 'work',
  summary: 'score what is queued, or without Redis a part of a plan',
  arguments: [['[plan]', 'the folder that dskd queue submit printed: scores a part of it without Redis']],
  options: workOptions,
  run: async (options, [plan], signal) => (await import('./queue/work.js')).runWork(plan, options, signal),
});

export const statusOptions = {
  on: redisOption('also look into the queue of this Redis'),
  watch: option(boolean().default(false), 'go on until all shards are done or failed', {
    main: true,
    flagOnly: true,
  }),
  ...outputOptions('the status as a line of JSON, with --watch after each change'),
};
export type StatusOptions = OptionValues<typeof statusOptions>;

const status = defineCommand({
  name: 'status',
  summary: 'say how much of a plan is done, waits and failed',
  arguments: [PLAN],
  options: statusOptions,
  run: async (options, [plan], signal) =>
    (await import('./queue/status.js')).runStatus(plan!, options, signal),
});

export const collectOptions = {
  out: option(text().optional(), 'write the lines to this file', {
    main: true,
    value: 'file',
    path: true,
    defaultText: 'standard output',
  }),
  ...outputOptions('errors as a line of JSON, too; results are JSON lines always'),
};
export type CollectOptions = OptionValues<typeof collectOptions>;

const collect = defineCommand({
  name: 'collect',
  summary: 'join the results: the lines that dskd predict prints for the same images',
  arguments: [PLAN],
  options: collectOptions,
  run: async (options, [plan]) => (await import('./queue/collect.js')).runCollect(plan!, options),
});

/** `dskd queue`: scores large folders on many machines. */
export const queue: CommandGroup = {
  name: 'queue',
  summary: 'score large folders and train benchmarks on many machines',
  commands: [submit, work, status, collect],
};
