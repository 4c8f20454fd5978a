import { once } from 'node:events';
import { collect } from '@dskd/queue';
import { unreadableImages } from '../predict/unreadable-images.js';
import type { CollectOptions } from '../queue.js';

/** As fast as the reader takes it. */
async function toStandardOutput(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}

/** Joins the results of a plan, as `dskd predict` prints them, and ends as it does. */
export async function runCollect(plan: string, { out }: CollectOptions): Promise<void> {
  const { images, unreadable } = await collect(plan, out ?? toStandardOutput);
  if (out !== undefined) process.stderr.write(`wrote ${images} lines to ${out}\n`);
  if (unreadable > 0) throw unreadableImages(unreadable, images);
}
