import { randomStream } from '@dskd/base';
import type { ScoredSample } from '@dskd/metrics';
import type { GalleryImages, GalleryImage } from './gallery-image.js';

export interface GalleryCollectorOptions {
  /** Images of each of the groups of mistakes. Default 12. */
  readonly mistakes?: number;
  /** Images drawn at random. Default 24. */
  readonly samples?: number;
  /** Which ones are drawn. Default 1. */
  readonly seed?: number;
}

/** The longer side of the panels of a gallery of so many images, in pixels: the file stays below 5 MB. */
export function panelSide(images: number): number {
  if (images <= 60) return 224;
  if (images <= 110) return 160;
  return images <= 220 ? 120 : 96;
}

interface Kept {
  readonly sample: ScoredSample;
  readonly images: GalleryImages;
  readonly rank: number;
}

/** The `size` entries of the smallest rank, whatever order they come in. */
class Best {
  readonly #kept: Kept[] = [];
  readonly #size: number;

  constructor(size: number) {
    this.#size = size;
  }

  wants(rank: number): boolean {
    return this.#kept.length < this.#size || (this.#size > 0 && rank < this.#kept.at(-1)!.rank);
  }

  add(entry: Kept): void {
    this.#kept.push(entry);
    this.#kept.sort((a, b) => a.rank - b.rank);
    this.#kept.length = Math.min(this.#kept.length, this.#size);
  }

  get entries(): readonly Kept[] {
    return this.#kept;
  }
}

/**
 * Chooses the images of a gallery while they come by: the worst misses, the worst false alarms and a random
 * sample. What is chosen depends on scores, ids and the seed, not on the order. Panels are made at once, of
 * candidates alone; nothing else is kept.
 */
export class GalleryCollector {
  readonly #missed: Best;
  readonly #falseAlarms: Best;
  readonly #samples: Best;
  readonly #seed: number;
  /** How many images the gallery holds at most. */
  readonly capacity: number;

  constructor({ mistakes = 12, samples = 24, seed = 1 }: GalleryCollectorOptions = {}) {
    this.#missed = new Best(mistakes);
    this.#falseAlarms = new Best(mistakes);
    this.#samples = new Best(samples);
    this.#seed = seed;
    this.capacity = 2 * mistakes + samples;
  }

  /**
   * @param sample the image and what was said of it.
   * @param panels makes its panels; called where the image is a candidate, at most once.
   */
  async consider(sample: ScoredSample, panels: () => Promise<GalleryImages>): Promise<void> {
    const groups: [Best, number][] = [
      [this.#samples, randomStream(this.#seed, 'gallery', sample.id).uniform()],
    ];
    const { label, verdict, score } = sample;
    if (label === 'anomalous' && verdict === 'normal') groups.push([this.#missed, score]);
    if (label === 'good' && verdict === 'anomalous') groups.push([this.#falseAlarms, -score]);
    const wanted = groups.filter(([group, rank]) => group.wants(rank));
    if (wanted.length === 0) return;
    const images = await panels();
    for (const [group, rank] of wanted) group.add({ sample, images, rank });
  }

  /** What was chosen: mistakes first, the worst of them first; no image twice. */
  images(): GalleryImage[] {
    const shown = new Set<string>();
    const groups: [string, Best][] = [
      ['Worst misses', this.#missed],
      ['Worst false alarms', this.#falseAlarms],
      ['Random sample', this.#samples],
    ];
    return groups.flatMap(([group, { entries }]) =>
      entries
        .filter(({ sample }) => !shown.has(sample.id))
        .map(({ sample, images }) => {
          shown.add(sample.id);
          return { ...sample, group, images };
        }),
    );
  }
}
