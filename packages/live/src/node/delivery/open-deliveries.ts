import { createHash } from 'node:crypto';
import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { DskdError } from '@dskd/base';
import type { Sink } from '../sinks/sink.js';
import { Delivery, type DeliveryEvent, type DeliveryOptions } from './delivery.js';
import { refusedFolder } from './refused-alarms.js';
import { lockFolder } from './spool-lock.js';
import type { SpoolLimits } from './spool-files.js';
import { Spool, type SpoolEvent } from './spool.js';

export interface DeliveriesOptions extends Omit<DeliveryOptions, 'onEvent'> {
  /** Where alarms are kept until they are delivered: a folder for each sink. */
  readonly folder: string;
  readonly limits: SpoolLimits;
  /** Whether alarms that were refused are delivered again. */
  readonly retryRefused: boolean;
  readonly onEvent: (sink: string, event: DeliveryEvent | SpoolEvent) => void;
  /** Is told of alarms of sinks that are not there any more. */
  readonly onLeftover: (folder: string, alarms: number) => void;
  /** Is told of alarms that an earlier run has set aside. */
  readonly onRefused: (sink: string, folder: string, alarms: number) => void;
}

/** The deliveries of all sinks. */
export interface Deliveries {
  readonly all: readonly Delivery[];
  finish(graceMs: number): Promise<void>;
}

/** A name that stays the same, with what of the address is a name of a folder everywhere. */
function folderNameOf({ name }: Sink): string {
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 12);
  return `${name.replace(/:.*$/s, '')}-${hash}`;
}

function assertDifferent(sinks: readonly Sink[]): void {
  const names = sinks.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return;
  throw new DskdError('invalid-argument', `Got the sink ${twice} twice.`, {
    hint: 'Name each sink once. Addresses that differ in their query, user or password only count as one.',
  });
}

async function tellLeftovers(
  folder: string,
  known: ReadonlySet<string>,
  tell: DeliveriesOptions['onLeftover'],
): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (!entry.isDirectory() || known.has(entry.name)) continue;
    const files = await readdir(path.join(folder, entry.name));
    const alarms = files.filter((name) => name.endsWith('.alarm')).length;
    if (alarms > 0) tell(path.join(folder, entry.name), alarms);
  }
}

/**
 * Starts to deliver to each sink what its spool holds and what comes.
 * @throws {DskdError} `invalid-argument` where a sink is named twice, or another process has the folder; `file-not-writable`
 */
export async function openDeliveries(
  sinks: readonly Sink[],
  { folder, limits, retryRefused, onEvent, onLeftover, onRefused, ...options }: DeliveriesOptions,
): Promise<Deliveries> {
  assertDifferent(sinks);
  let unlock = (): Promise<void> => Promise.resolve();
  if (sinks.some(({ isSpooled }) => isSpooled)) {
    await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
      throw new DskdError('file-not-writable', `Cannot use the folder ${folder} to keep alarms.`, {
        hint: 'Choose another folder, or give this process the right to write there.',
        details: { path: folder },
        cause,
      });
    });
    unlock = await lockFolder(folder);
    await tellLeftovers(folder, new Set(sinks.map(folderNameOf)), onLeftover);
  }
  try {
    const all: Delivery[] = [];
    for (const sink of sinks) {
      const tell = (event: DeliveryEvent | SpoolEvent): void => onEvent(sink.name, event);
      const kept = sink.isSpooled ? path.join(folder, folderNameOf(sink)) : undefined;
      const spool = await Spool.open(kept, { limits, retryRefused, onEvent: tell });
      if (kept !== undefined && spool.refused > 0) onRefused(sink.name, refusedFolder(kept), spool.refused);
      all.push(new Delivery(sink, spool, { ...options, onEvent: tell }));
    }
    return {
      all,
      async finish(graceMs) {
        await Promise.all(all.map((delivery) => delivery.finish(graceMs)));
        await unlock();
      },
    };
  } catch (error) {
    await unlock();
    throw error;
  }
}
