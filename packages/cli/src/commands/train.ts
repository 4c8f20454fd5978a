import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import os from 'node:os';
import { Command, Option } from 'commander';
import { interruptible } from '../interrupt.js';
import { printJson, printLine } from '../output.js';
import * as parse from '../parsers.js';
import { progressRenderer } from '../render/progress.js';
import { backendOption, debugOption, jsonOption } from './shared-options.js';

interface TrainFlags {
  readonly data: string;
  readonly category?: string;
  readonly teacher: string;
  readonly weights: string;
  readonly out: string;
  readonly size: [number, number];
  readonly preset: string;
  readonly epochs: number;
  readonly batchSize: number;
  readonly seed: number;
  readonly localObjective: string;
  readonly globalObjective: string;
  readonly localLearningRate: number;
  readonly globalLearningRate: number;
  readonly temperature: number;
  readonly gccb: string;
  readonly gccbChannels?: number;
  readonly holdOut: number;
  readonly calibrateOnTraining?: boolean;
  readonly falseAlarmRate: number;
  readonly sigma?: number;
  readonly reestimateBatchNorm?: boolean;
  readonly workers: boolean;
  readonly cacheMb: number;
  readonly checkpoint?: string;
  readonly checkpointEvery: number;
  readonly embedTeacher: boolean;
  readonly backend: string;
  readonly json?: boolean;
}

const OBJECTIVES = ['flattenedCosine', 'perPixelCosine', 'contextualAffinity'];

export function trainCommand(): Command {
  return new Command('train')
    .description('learn good parts from pictures of good parts only')
    .requiredOption('--data <dir>', 'MVTec AD folder, or any folder of good pictures')
    .option('--category <name>', 'folder inside --data')
    .requiredOption('--teacher <name>', 'backbone, e.g. squeezenet1_1, resnet50_v1, wide_resnet50_2')
    .requiredOption('--weights <file>', "the teacher's weights (.safetensors)")
    .requiredOption('--out <file>', 'where the model goes (.safetensors)')
    .option(
      '--size <pixels>',
      'input size, e.g. 256 or 320x192; 128 is four times faster',
      parse.inputSize,
      [256, 256],
    )
    .addOption(
      new Option('--preset <name>', 'size of the students')
        .choices(['nano', 'lite', 'paper'])
        .default('lite'),
    )
    .option('--epochs <n>', 'passes over the pictures', parse.positiveInteger, 10)
    .option('--batch-size <n>', 'pictures per step', parse.positiveInteger, 16)
    .option('--seed <n>', 'root of all randomness', parse.wholeNumber, 1)
    .addOption(new Option('--local-objective <name>').choices(OBJECTIVES).default('flattenedCosine'))
    .addOption(new Option('--global-objective <name>').choices(OBJECTIVES).default('contextualAffinity'))
    .option('--local-learning-rate <rate>', '', parse.positiveNumber, 0.005)
    .option('--global-learning-rate <rate>', '', parse.positiveNumber, 0.001)
    .option('--temperature <t>', 'of the contextual affinity', parse.positiveNumber, 1)
    .addOption(
      new Option('--gccb <variant>', 'global context condensing block')
        .choices(['full', 'depthwise', 'pool', 'pyramid', 'none'])
        .default('full'),
    )
    .option(
      '--gccb-channels <g>',
      "channels of the condensed context (default: the preset's)",
      parse.positiveInteger,
    )
    .option(
      '--hold-out <fraction>',
      'good pictures kept back to calibrate, without a validation folder',
      parse.fraction,
      0.1,
    )
    .option('--calibrate-on-training', 'calibrate on the training pictures instead')
    .option('--false-alarm-rate <rate>', 'what the threshold is chosen for', parse.fraction, 0.05)
    .option(
      '--sigma <pixels>',
      'Gaussian filter of the maps (default: 4 at 256 px, in proportion)',
      parse.finiteNumber,
    )
    .option('--reestimate-batch-norm', 'average batch-norm statistics over the pictures at the end')
    .option('--no-workers', 'train all students in one thread')
    .option('--cache-mb <n>', 'memory for cached teacher features', parse.wholeNumber, 1024)
    .option('--checkpoint <file>', 'save the run here; goes on from it if it exists')
    .option('--checkpoint-every <epochs>', '', parse.positiveInteger, 1)
    .option('--no-embed-teacher', 'name the teacher by hash instead of storing it in the model')
    .addOption(backendOption())
    .addOption(jsonOption('events as JSON lines on standard output'))
    .addOption(debugOption())
    .action((flags: TrainFlags) => interruptible((signal) => train(flags, signal)));
}

function objectiveOf(
  name: string,
  { temperature }: TrainFlags,
): { name: string; options: Record<string, unknown> } {
  return { name, options: name === 'contextualAffinity' ? { temperature } : {} };
}

async function train(flags: TrainFlags, signal: AbortSignal): Promise<void> {
  // tfjs takes most of a second to load: only now, when the options are known to be right.
  const [{ startBackend }, data, node, { backboneName, trainDetector }] = await Promise.all([
    import('../backend.js'),
    import('@dskd/data/node'),
    import('@dskd/detector/node'),
    import('@dskd/detector'),
  ]);
  const { formatSummary, summarise } = await import('@dskd/data');
  const json = flags.json ?? false;
  const teacherName = backboneName(flags.teacher);
  const source = await data.openSource({
    root: flags.data,
    ...(flags.category !== undefined && { category: flags.category }),
  });
  const backend = await startBackend(flags.backend);
  if (!json) {
    process.stderr.write(`${formatSummary(summarise(source))}\n`);
    process.stderr.write(`backend ${backend.name}\n`);
  }
  const onEvent = progressRenderer({ json });
  const threads = flags.workers && backend.name !== 'webgpu' && os.availableParallelism() > 1;
  const teacher = await node.loadTeacherFile(teacherName, flags.weights);
  const { checkpoint } = flags;
  try {
    const detector = await trainDetector({
      source,
      teacher,
      inputSize: flags.size,
      preset: flags.preset as 'lite',
      gccb: {
        variant: flags.gccb as 'full',
        ...(flags.gccbChannels !== undefined && { channels: flags.gccbChannels }),
      },
      branches: {
        local: {
          branch: 'local',
          objective: objectiveOf(flags.localObjective, flags),
          optimiser: { learningRate: flags.localLearningRate },
        },
        global: {
          branch: 'global',
          objective: objectiveOf(flags.globalObjective, flags),
          optimiser: { learningRate: flags.globalLearningRate },
        },
      },
      epochs: flags.epochs,
      batchSize: flags.batchSize,
      seed: flags.seed,
      holdOutFraction: flags.holdOut,
      calibrateOnTraining: flags.calibrateOnTraining ?? false,
      falseAlarmRate: flags.falseAlarmRate,
      ...(flags.sigma !== undefined && { sigma: flags.sigma }),
      reestimateBatchNorm: flags.reestimateBatchNorm ?? false,
      featureCacheBytes: flags.cacheMb * 2 ** 20,
      ...(threads && { runner: node.workerRunnerFor() }),
      ...(checkpoint !== undefined && {
        checkpoint: {
          everyEpochs: flags.checkpointEvery,
          save: (bytes: Uint8Array) => data.writeFileAtomically(checkpoint, bytes),
        },
        ...(existsSync(checkpoint) && { resumeFrom: await readFile(checkpoint) }),
      }),
      onEvent,
      signal,
    });
    try {
      await node.saveDetectorFile(detector, flags.out, { embedTeacher: flags.embedTeacher });
      const { threshold, calibration } = detector.description;
      if (json) {
        printJson({ type: 'model-saved', path: flags.out, threshold });
        return;
      }
      printLine(`saved ${flags.out}`);
      printLine(
        `threshold ${threshold.value.toFixed(4)} for a false-alarm rate of ${threshold.falseAlarmRate} ` +
          `from ${calibration.scores.length} ${calibration.pictures} pictures`,
      );
      if (!threshold.guaranteed) {
        printLine(
          `with ${calibration.scores.length} good pictures no rate below ` +
            `${(1 / (calibration.scores.length + 1)).toFixed(3)} can be promised: the threshold is the highest score among them`,
        );
      }
    } finally {
      detector.dispose();
    }
  } finally {
    teacher.dispose();
  }
}
