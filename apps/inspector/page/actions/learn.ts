import { inspector } from '../client.js';
import { number, t } from '../languages/index.js';
import {
  areas,
  epochs,
  goodImages,
  losses,
  method,
  modelName,
  openName,
  say,
  side,
  task,
  usable,
} from '../state.js';
import type { Progress } from '../worker/api.js';
import { addGoodImages } from './good-images.js';
import { addInspected } from './inspect.js';
import { keepModel, useModel } from './models.js';
import { runTask } from './tasks.js';

/** Methods whose training has epochs that the page lets choose. */
export const WITH_EPOCHS: readonly string[] = ['dskd', 'rd'];

function addLosses({ losses: step }: Progress): void {
  if (!step) return;
  losses.value = Object.fromEntries(
    Object.entries(step).map(([name, loss]) => [name, [...(losses.value[name] ?? []), loss]]),
  );
}

function defaultName(): string {
  return `${method.value} ${new Date().toISOString().slice(0, 16).replace('T', ' ')}`;
}

/** Who takes good images with the camera inspects live: finer, a processor would do too few images a second. */
const SIDE_OF_SHOTS = 128;

function sideWanted(): number | null {
  if (side.value !== null) return side.value;
  return goodImages.value.some(({ isShot }) => isShot) ? SIDE_OF_SHOTS : null;
}

/** Learns the good images, and keeps the model on this machine. */
export async function learn(): Promise<void> {
  const images = usable.value;
  losses.value = {};
  const started = performance.now();
  const request = {
    images,
    method: method.value,
    side: sideWanted(),
    epochs: WITH_EPOCHS.includes(method.value) ? epochs.value : null,
    ignored: areas.value,
  };
  const facts = await runTask(
    'learn',
    (id, onProgress) => inspector.learn(id, request, onProgress),
    addLosses,
  );
  if (!facts) return;
  const seconds = (performance.now() - started) / 1000;
  openName.value = modelName.value.trim() || defaultName();
  useModel(facts);
  if (await keepModel()) say(() => t('learned', { count: images.length, seconds: number(seconds, 1) }));
}

/** Draws the example, learns its good images and inspects the others. */
export async function tryExample(): Promise<void> {
  const images = await runTask('example', (id, onProgress) => inspector.drawExample(id, onProgress));
  if (!images) return;
  await addGoodImages(images.filter(({ use }) => use === 'learn'));
  if (task.value) return;
  await learn();
  await addInspected(images.filter(({ use }) => use === 'inspect'));
}
