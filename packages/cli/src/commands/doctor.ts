import os from 'node:os';
import { defineCommand } from '../define-command.js';
import type { OptionValues } from '../options/option.js';
import { outputOptions } from '../options/shared.js';
import { alignedFacts, formatTable, printJson, printLine } from '../output/print.js';
import { VERSION } from '../version.js';

const doctorOptions = outputOptions('as one line of JSON');

export const doctor = defineCommand({
  name: 'doctor',
  summary: 'print which backends this machine can run, with versions and hardware',
  options: doctorOptions,
  run: runDoctor,
});

async function runDoctor({ json }: OptionValues<typeof doctorOptions>): Promise<void> {
  const { probeBackends } = await import('@dskd/core/backends');
  const tf = await import('@tensorflow/tfjs');
  const { default: sharp } = await import('sharp');
  const backends = await probeBackends();
  const machine = {
    dskd: VERSION,
    node: process.version,
    platform: `${os.platform()} ${os.arch()}`,
    cores: os.availableParallelism(),
    memoryGiB: Number((os.totalmem() / 2 ** 30).toFixed(1)),
    tensorflow: tf.version.tfjs,
    sharp: sharp.versions.sharp,
  };
  if (json) {
    printJson({ ...machine, backends });
    return;
  }
  printLine(alignedFacts(Object.entries(machine).map(([name, value]) => [name, String(value)])));
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
