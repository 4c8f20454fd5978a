import { defineCommand } from '../define-command.js';
import {
  boolean,
  choice,
  commaSeparated,
  integer,
  option,
  positiveInteger,
  positiveNumber,
  text,
  wholeNumber,
  type OptionValues,
} from '../options/option.js';
import {
  backendOption,
  configOption,
  outputOptions,
  pluginOption,
  teacherWeightsOption,
} from '../options/shared.js';

export const serveOptions = {
  port: option(
    integer({ minimum: 0, maximum: 65_535 }).default(8080),
    'listen on this port; 0 takes any that is free',
    {
      main: true,
      group: 'Network',
      value: 'number',
    },
  ),
  host: option(text().default('127.0.0.1'), 'listen on this address; 0.0.0.0 is all of the machine', {
    main: true,
    group: 'Network',
    value: 'address',
  }),
  tokenFile: option(text().optional(), 'refuse requests without the token in this file, or in DSKD_TOKEN', {
    main: true,
    group: 'Access',
    value: 'file',
    path: true,
    example: 'token.txt',
  }),
  corsOrigin: option(commaSeparated().optional(), 'origin of pages that may call the server; repeatable', {
    group: 'Access',
    value: 'origin',
    wanted: 'origins, for example https://line.example.com',
    example: 'https://line.example.com',
    repeatable: true,
  }),
  imageHost: option(commaSeparated().optional(), 'host of URLs of images that are read; repeatable', {
    group: 'Access',
    value: 'host',
    wanted: 'hosts, for example images.example.com',
    example: 'images.example.com',
    repeatable: true,
  }),
  privateImageHosts: option(
    boolean().default(false),
    'let these hosts be in a private network, or on this machine',
    { group: 'Access' },
  ),
  control: option(boolean().default(false), 'let clients load and unload models and set thresholds', {
    main: true,
    group: 'Access',
  }),
  feedback: option(
    boolean().default(false),
    'let clients teach models that images are good, which rewrites the model file',
    { main: true, group: 'Access' },
  ),
  watch: option(text().optional(), 'serve every model file of this folder, also those that come later', {
    main: true,
    group: 'Models',
    value: 'dir',
    path: true,
    example: 'models',
  }),
  reload: option(boolean().default(true), 'load a model file again when it changes', {
    group: 'Models',
    negative: 'keep models as they were loaded',
  }),
  weights: teacherWeightsOption,
  workers: option(positiveInteger().optional(), 'worker threads of each model, each with the whole model', {
    main: true,
    group: 'Running',
    value: 'count',
    defaultText: 'the cores, divided among the models',
    example: 2,
  }),
  threads: option(
    positiveInteger().default(1),
    'threads that compute in each worker: of ONNX Runtime, or of the backend wasm',
    {
      group: 'Running',
      value: 'count',
    },
  ),
  queue: option(wholeNumber().optional(), 'images of a model that may wait; more are refused', {
    main: true,
    group: 'Running',
    value: 'count',
    defaultText: '4 for each worker, at least 16',
    example: 32,
  }),
  engine: option(
    choice('auto', 'tfjs', 'onnx').default('auto'),
    'what computes: auto takes ONNX Runtime where onnxruntime-node is installed and the method can be exported, else TensorFlow.js',
    { value: 'name', group: 'Running' },
  ),
  backend: backendOption,
  timeout: option(positiveNumber().default(30), 'longest time for an answer, in seconds', {
    group: 'Limits',
    value: 'seconds',
  }),
  maxBody: option(positiveNumber().default(32), 'largest body of a request, in MiB', {
    group: 'Limits',
    value: 'MiB',
  }),
  maxPixels: option(positiveInteger().default(2 ** 26), 'most pixels of an image', {
    group: 'Limits',
    value: 'pixels',
  }),
  plugin: pluginOption,
  config: configOption,
  ...outputOptions('errors at the start as a line of JSON, too; the log is JSON lines always'),
};

export type ServeOptions = OptionValues<typeof serveOptions>;

export const serve = defineCommand({
  name: 'serve',
  summary: 'score images for other programs: an HTTP server',
  arguments: [['[models...]', 'files that dskd train or dskd export wrote, or NAME=FILE']],
  options: serveOptions,
  run: async (options, models, signal) => (await import('./serve/run.js')).runServer(models, options, signal),
});
