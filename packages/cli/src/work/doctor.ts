import os from 'node:os';
import { probeBackends } from '@dskd/core/backends';
import * as tf from '@tensorflow/tfjs';
import sharp from 'sharp';
import type { DoctorOptions } from '../options/plain.js';
import { formatTable, printJson, printLine } from '../output.js';
import { VERSION } from '../version.js';

export async function doctor({ json }: DoctorOptions): Promise<void> {
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
