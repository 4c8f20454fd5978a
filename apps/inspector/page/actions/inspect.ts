import { inspector, reasonOf } from '../client.js';
import { areas, inspected, model, selected, task, type InspectedImage } from '../state.js';
import type { Inspection } from '../worker/api.js';
import { freeName } from './files.js';

interface Given {
  readonly id: string;
  readonly file: Blob;
  readonly truth?: 'good' | 'anomalous';
}

function update(id: string, change: Partial<InspectedImage>): void {
  inspected.value = inspected.value.map((image) => (image.id === id ? { ...image, ...change } : image));
}

/** The image with the highest score. */
function mostUnusual(): string | undefined {
  const scores = inspected.value.map(({ inspection }) => inspection?.score ?? -Infinity);
  return inspected.value[scores.indexOf(Math.max(...scores))]?.id;
}

/** Adds images and inspects them, one after the other. What cannot be read is listed with its reason. */
export async function addInspected(files: readonly Given[]): Promise<void> {
  const taken = new Set(inspected.value.map(({ id }) => id));
  const added = files.map(({ id, file, truth = null }): InspectedImage => {
    const name = freeName(id, taken);
    taken.add(name);
    return { id: name, file, truth };
  });
  inspected.value = [...inspected.value, ...added];
  await inspectAll(added);
  selected.value ??= mostUnusual();
}

/** Inspects everything again, by a model that is new or has learned. */
export async function inspectAgain(): Promise<void> {
  const open = selected.value;
  await inspectAll(inspected.value);
  // Draws the open image again.
  selected.value = undefined;
  selected.value = open;
}

async function inspectAll(images: readonly InspectedImage[]): Promise<void> {
  if (!model.value) return;
  const stopping = new AbortController();
  const cancel = (): void => stopping.abort();
  for (const [index, { id, file, look }] of images.entries()) {
    if (stopping.signal.aborted) break;
    task.value = { kind: 'inspect', done: index, total: images.length, cancel };
    const seen = look ?? (await inspector.look(file));
    if (!look) update(id, { look: seen });
    if (!seen.ok) continue;
    update(id, await scored({ id, file }));
  }
  task.value = undefined;
}

async function scored(image: {
  readonly id: string;
  readonly file: Blob;
}): Promise<Pick<InspectedImage, 'inspection' | 'look'>> {
  try {
    return { inspection: (await inspector.inspect(image, areas.value)) satisfies Inspection };
  } catch (error) {
    return { look: { ok: false, problem: reasonOf(error) } };
  }
}

export function setTruth(id: string, truth: InspectedImage['truth']): void {
  update(id, { truth });
}

export function removeInspected(): void {
  for (const { look } of inspected.value) if (look?.ok) look.thumbnail.close();
  inspected.value = [];
  selected.value = undefined;
}
