import { inspector } from '../client.js';
import { goodImages, task, type GoodImage } from '../state.js';
import { freeName } from './files.js';

/** Adds files as images of good parts; each is looked at, and what cannot be used is listed. */
export async function addGoodImages(files: readonly Omit<GoodImage, 'look'>[]): Promise<void> {
  const taken = new Set(goodImages.value.map(({ id }) => id));
  const added = files.map((image): GoodImage => {
    const name = freeName(image.id, taken);
    taken.add(name);
    return { ...image, id: name };
  });
  goodImages.value = [...goodImages.value, ...added];
  const outer = task.value;
  for (const [index, { id, file }] of added.entries()) {
    if (!outer) task.value = { kind: 'look', done: index, total: added.length };
    const look = await inspector.look(file);
    goodImages.value = goodImages.value.map((image) => (image.id === id ? { ...image, look } : image));
  }
  if (!outer) task.value = undefined;
}

function close({ look }: GoodImage): void {
  if (look?.ok) look.thumbnail.close();
}

export function removeGoodImage(id: string): void {
  goodImages.value.filter((image) => image.id === id).forEach(close);
  goodImages.value = goodImages.value.filter((image) => image.id !== id);
}

export function removeGoodImages(): void {
  goodImages.value.forEach(close);
  goodImages.value = [];
}
