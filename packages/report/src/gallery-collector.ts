import { randomStream } from '@dskd/base';
import type { ScoredSample } from '@dskd/metrics';
import type { Explanation } from './images/explanation.js';

/** The panels of an image, all of the same size, as data URLs (PNG, JPEG or WebP). */
export interface GalleryImages {
  /** Size in pixels. */
  readonly width: number;
  readonly height: number;
  readonly input: string;
  /** The input with a contour around the defect. Absent without a known defect. */
  readonly groundTruth?: string;
  readonly fused: string;
  readonly branches: Readonly<Record<string, string>>;
  /** The good patch nearest to the largest region, if the method stores patches: see `makeExplanation`. */
  readonly explanation?: Explanation;
}

/** An image with its scores, verdict and panels. */
export interface GalleryImage extends Omit<ScoredSample, 'label' | 'defectType'> {
  /** What the image is known to be. Without it only the verdict is shown. */
  readonly label?: ScoredSample['label'];
  /** The type of an anomalous image, where its label is known. */
  readonly defectType?: string;
  /** Heading of its group in the gallery. Default `Images`. */
  readonly group?: string;
  /** For each branch, the score above which its map raises an alarm. Default: the page's threshold. */
  readonly thresholds?: Readonly<Record<string, number>>;
  readonly images: GalleryImages;
}

export interface GalleryCollectorOptions {
  /** Maximum number of misses, and of false alarms. Default 12. */
  readonly mistakes?: number;
  /** Number of images drawn at random. Default 24. */
  readonly samples?: number;
  /** Seed of the random draw. Default 1. */
  readonly seed?: number;
}

/** Length in pixels of the longer side of a panel in a gallery with `images` images, for a file below 5 MB. */
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

/** The `size` entries with the lowest rank, independent of the order in which they are added. */
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
 * Selects the images of a gallery from a stream of images: the worst misses, the worst false alarms and a random sample.
 * The selection depends on scores, ids and seed, not on the order. Panels are made immediately and for candidates only;
 * nothing else is kept.
 */
export class GalleryCollector {
  readonly #missed: Best;
  readonly #falseAlarms: Best;
  readonly #samples: Best;
  readonly #seed: number;
  /** The largest number of images in the gallery. */
  readonly capacity: number;

  constructor({ mistakes = 12, samples = 24, seed = 1 }: GalleryCollectorOptions = {}) {
    this.#missed = new Best(mistakes);
    this.#falseAlarms = new Best(mistakes);
    this.#samples = new Best(samples);
    this.#seed = seed;
    this.capacity = 2 * mistakes + samples;
  }

  /**
   * @param sample the image with its score and verdict.
   * @param panels makes the panels of the image; called at most once, if the image is a candidate.
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

  /** The selected images, each once: misses, then false alarms (the worst first), then the random sample. */
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
