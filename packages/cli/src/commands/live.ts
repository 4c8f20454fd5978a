import { defineCommand } from '../define-command.js';
import {
  boolean,
  choice,
  duration,
  integer,
  number,
  oneOrSeveral,
  option,
  positiveInteger,
  positiveNumber,
  text,
  type OptionValues,
} from '../options/option.js';
import {
  backendOption,
  configOption,
  outputOptions,
  pluginOption,
  teacherWeightsOption,
} from '../options/shared.js';

const A_TIME = 'a time such as 500ms, 10s, 2m or 1h';

export const liveOptions = {
  source: option(
    text(),
    'what is inspected: folder:DIR, rtsp://…, http://… (MJPEG), file:VIDEO, v4l2:/dev/video0 or lavfi:GRAPH',
    { main: true, group: 'Source', value: 'address', example: 'rtsp://192.168.1.20/stream1' },
  ),
  fps: option(positiveNumber().optional(), 'frames a second that are taken from a camera or video', {
    main: true,
    group: 'Source',
    value: 'rate',
    defaultText: 'all',
    example: 5,
  }),
  existing: option(boolean().default(false), 'also inspect images that are in the folder already', {
    group: 'Source',
  }),
  settle: option(duration().default('500ms'), 'read a file of a folder when it has not changed for so long', {
    group: 'Source',
    value: 'time',
    wanted: A_TIME,
  }),
  stall: option(duration().default('10s'), 'open a camera again that sends nothing for so long', {
    group: 'Source',
    value: 'time',
    wanted: A_TIME,
  }),
  buffer: option(
    positiveInteger().default(2),
    'most frames of a camera that wait for the model; the oldest of more are left out',
    { group: 'Source', value: 'count' },
  ),
  region: option(
    text().optional(),
    'the part of each image that is inspected: left,top,width,height in pixels, or in fractions such as 0.25,0.0,0.5,1.0',
    { main: true, group: 'Source', value: 'area', defaultText: 'all', example: '0.25,0.0,0.5,1.0' },
  ),
  sink: option(
    oneOrSeveral().default('stdout'),
    'where alarms go: stdout, folder:DIR, https://… (a webhook) or mqtt://HOST/TOPIC; repeatable',
    {
      main: true,
      group: 'Alarms',
      value: 'address',
      wanted: 'addresses, for example folder:alarms',
      repeatable: true,
    },
  ),
  threshold: option(number().optional(), 'frames with a higher score are anomalous', {
    main: true,
    group: 'Alarms',
    value: 'score',
    defaultText: "the model's own",
    example: 5,
  }),
  minArea: option(
    positiveInteger().default(1),
    "smallest region reported, in pixels of the network's input",
    { group: 'Alarms', value: 'pixels' },
  ),
  minDuration: option(
    duration().default('0s'),
    'raise an alarm only when all frames have been anomalous for so long',
    { main: true, group: 'Alarms', value: 'time', wanted: A_TIME },
  ),
  coolDown: option(duration().optional(), 'shortest time between two alarms', {
    main: true,
    group: 'Alarms',
    value: 'time',
    wanted: A_TIME,
    defaultText: '10s; for a folder 0s',
    example: '10s',
  }),
  schedule: option(text().optional(), 'when frames are inspected: "Mon-Fri 06:00-22:00; Sat 08:00-12:00"', {
    main: true,
    group: 'Alarms',
    value: 'times',
    defaultText: 'always',
    example: 'Mon-Fri 06:00-22:00',
  }),
  timeZone: option(text().optional(), 'time zone of the schedule', {
    group: 'Alarms',
    value: 'name',
    defaultText: "the system's",
    example: 'Europe/Berlin',
  }),
  spool: option(text().default('dskd-spool'), 'keep alarms in this folder until they are delivered', {
    main: true,
    group: 'Delivery',
    value: 'dir',
    path: true,
  }),
  spoolLimit: option(
    positiveInteger().default(10_000),
    'most alarms that wait for a sink; the oldest of more are lost',
    { group: 'Delivery', value: 'count' },
  ),
  retryRefused: option(
    boolean().default(false),
    'deliver alarms again that receivers refused in earlier runs',
    { group: 'Delivery' },
  ),
  webhookSecretFile: option(
    text().optional(),
    'file with the secret that signs webhooks; or it is in DSKD_WEBHOOK_SECRET',
    { group: 'Delivery', value: 'file', path: true, example: 'secret.txt' },
  ),
  for: option(duration().optional(), 'end after this time', {
    main: true,
    group: 'Running',
    value: 'time',
    wanted: A_TIME,
    defaultText: 'when the source ends, or Ctrl-C',
    example: '2m',
  }),
  dryRun: option(
    boolean().default(false),
    'deliver nothing: print a line of JSON for each frame, and where the source fails',
    {
      main: true,
      group: 'Running',
    },
  ),
  metricsPort: option(
    integer({ minimum: 1, maximum: 65_535 }).optional(),
    'serve metrics for Prometheus on this port of this machine',
    { group: 'Running', value: 'number', example: 9464 },
  ),
  workers: option(positiveInteger().default(1), 'worker threads, each with the whole model', {
    main: true,
    group: 'Running',
    value: 'count',
  }),
  threads: option(
    positiveInteger().optional(),
    'threads that compute in each worker: of ONNX Runtime, or of the backend wasm',
    {
      group: 'Running',
      value: 'count',
      defaultText: 'the cores, divided among the workers',
      example: 1,
    },
  ),
  engine: option(
    choice('auto', 'tfjs', 'onnx').default('auto'),
    'what computes: auto takes ONNX Runtime where onnxruntime-node is installed and the method can be exported, else TensorFlow.js',
    { value: 'name', group: 'Running' },
  ),
  backend: backendOption,
  weights: teacherWeightsOption,
  plugin: pluginOption,
  config: configOption,
  ...outputOptions('errors at the start as a line of JSON, too; alarms and the log are JSON lines always'),
};

export type LiveOptions = OptionValues<typeof liveOptions>;

export const live = defineCommand({
  name: 'live',
  summary: 'watch a camera, a video or a folder, and deliver alarms',
  arguments: [['<model>', 'a file that dskd train or dskd export wrote']],
  options: liveOptions,
  run: async (options, [model], signal) => (await import('./live/run.js')).watchLive(model!, options, signal),
});
