import os from 'node:os';
import { defineCommand } from '../define-command.js';
import type { OptionValues } from '../options/option.js';
import { outputOptions } from '../options/shared.js';
import { alignedFacts, formatTable, printJson, printLine } from '../output/print.js';
import { VERSION } from '../version.js';

const doctorOptions = outputOptions('as one line of JSON');

export const doctor = defineCommand({
  name: 'doctor',
  summary: 'print which backends and engines this machine can run, with versions and hardware',
  options: doctorOptions,
  run: runDoctor,
});

async function runDoctor({ json }: OptionValues<typeof doctorOptions>): Promise<void> {
  const { probeBackends } = await import('@dskd/core/backends');
  const tf = await import('@tensorflow/tfjs');
  const { default: sharp } = await import('sharp');
  const { machineLimits } = await import('@dskd/engine/node');
  const backends = await probeBackends();
  const machine = {
    dskd: VERSION,
    node: process.version,
    platform: `${os.platform()} ${os.arch()}`,
    cores: os.availableParallelism(),
    memoryGiB: gibibytes(os.totalmem()),
    tensorflow: tf.version.tfjs,
    sharp: sharp.versions.sharp,
  };
  const onnxruntime = await onnxRuntimeVersion();
  const { cores, memory } = machineLimits();
  if (json) {
    const cgroup = { cores, memoryGiB: memory === null ? null : gibibytes(memory) };
    printJson({ ...machine, onnxruntime, cgroup, backends });
    return;
  }
  printLine(
    alignedFacts([
      ...Object.entries(machine).map(([name, value]) => [name, String(value)] as const),
      ['onnxruntime', onnxruntime ?? 'not installed: npm install --ignore-scripts onnxruntime-node'],
      [
        'cgroup',
        `${cores === null ? 'no limit of cores' : `${cores} cores`}, ${memory === null ? 'no limit of memory' : `${gibibytes(memory)} GiB`}`,
      ],
    ]),
  );
  printLine();
  printLine(
    formatTable(
      ['backend', 'available', 'remark'],
      backends.map((backend) => [
        backend.name,
        backend.available ? 'yes' : 'no',
        [backend.adapter, backend.software ? 'software' : undefined, backend.reason]
          .filter((text) => text !== undefined && text !== '')
          .join('; '),
      ]),
    ),
  );
}

function gibibytes(bytes: number): number {
  return Number((bytes / 2 ** 30).toFixed(1));
}

/** Null where onnxruntime-node is not installed, or does not run here. */
async function onnxRuntimeVersion(): Promise<string | null> {
  // A variable: the package is optional.
  const name = 'onnxruntime-node';
  try {
    const { env } = (await import(name)) as {
      readonly env: { readonly versions: { readonly node?: string } };
    };
    return env.versions.node ?? null;
  } catch {
    return null;
  }
}
