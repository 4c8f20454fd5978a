import { readFile } from 'node:fs/promises';
import { DskdError } from '@dskd/base';
import type { DetectorDescription, TrainingRecord } from '@dskd/detector';
import { Command } from 'commander';
import { formatTable, printJson, printLine } from '../output.js';
import { debugOption, jsonOption } from './shared-options.js';

export function infoCommand(): Command {
  return new Command('info')
    .description('print what a model is and how it came to be')
    .argument('<model>', 'a file that dskd train wrote')
    .addOption(jsonOption('the whole description as one line of JSON'))
    .addOption(debugOption())
    .action(info);
}

async function info(path: string, { json }: { readonly json?: boolean }): Promise<void> {
  const { readArtefact } = await import('@dskd/detector');
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new DskdError('file-not-found', `Cannot read ${path}.`, { cause });
  });
  const { description, tensors } = readArtefact(bytes);
  if (json) {
    printJson(description);
    return;
  }
  const elements = [...tensors.values()].reduce((sum, { data }) => sum + data.length, 0);
  printLine(describe(description));
  printLine();
  printLine(`${tensors.size} tensors, ${elements} values, ${(bytes.byteLength / 2 ** 20).toFixed(1)} MiB`);
}

function describe(description: DetectorDescription): string {
  const { teacher, inputSize, resize, branches, fusion, calibration, threshold, trainings } = description;
  const facts: [string, string][] = [
    ['format', String(description.format)],
    [
      'teacher',
      `${teacher.name}, ${teacher.embedded ? 'in the file' : 'not in the file'}, SHA-256 ${teacher.sha256}`,
    ],
    [
      'levels',
      teacher.levels
        .map(({ name, channels, stride }) => `${name} (${channels}, stride ${stride})`)
        .join(', '),
    ],
    ['input', `${inputSize[0]} x ${inputSize[1]} pixels, ${resize.fit}, ${resize.filter}`],
    ['fusion', `levels ${fusion.levels}, aligned corners ${fusion.alignCorners}, sigma ${fusion.sigma}`],
    [
      'threshold',
      `${threshold.value} (${threshold.falseAlarmRate === null ? 'set by hand' : `false-alarm rate ${threshold.falseAlarmRate}`})`,
    ],
    ['calibrated on', `${calibration.scores.length} ${calibration.pictures} pictures`],
    ...trainings.flatMap((training): [string, string][] => [
      [
        `trained ${training.branches.join(' and ')}`,
        `${training.pictures} pictures, ${training.epochs} epochs, ${training.steps} steps of ${training.batchSize}, seed ${training.seed}, ${training.backend}`,
      ],
      ['data', training.dataFingerprint],
      [
        'versions',
        Object.entries(training.versions)
          .map(([name, version]) => `${name} ${version}`)
          .join(', '),
      ],
    ]),
  ];
  const trainingOf = (name: string): TrainingRecord | undefined =>
    trainings.find((training) => training.branches.includes(name));
  const width = Math.max(...facts.map(([name]) => name.length));
  return [
    ...facts.map(([name, value]) => `${name.padEnd(width)}  ${value}`),
    '',
    formatTable(
      ['branch', 'objective', 'learning rate', 'final loss', 'mean', 'deviation'],
      branches.map((branch) => [
        branch.name,
        branch.objective.name,
        String(trainingOf(branch.name)?.learningRates[branch.name]),
        trainingOf(branch.name)?.finalLosses[branch.name]?.toPrecision(4) ?? '',
        branch.mean.toPrecision(4),
        branch.standardDeviation.toPrecision(4),
      ]),
    ),
  ].join('\n');
}
