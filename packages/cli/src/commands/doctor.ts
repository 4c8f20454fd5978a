import os from 'node:os';
import { Command } from 'commander';
import { formatTable, printJson, printLine } from '../output.js';
import { VERSION } from '../version.js';
import { debugOption, jsonOption } from './shared-options.js';

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('say what this machine can run dskd on')
    .addOption(jsonOption('as one line of JSON'))
    .addOption(debugOption())
    .action(doctor);
}

async function doctor({ json }: { readonly json?: boolean }): Promise<void> {
  const tf = await import('@tensorflow/tfjs');
  const { probeBackends } = await import('@dskd/core/backends');
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
  const width = Math.max(...Object.keys(machine).map((name) => name.length));
  for (const [name, value] of Object.entries(machine)) printLine(`${name.padEnd(width)}  ${value}`);
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
