import { byCodeUnit, type DatasetProblem, firstFew } from '../samples.js';
import { composed } from './tree.js';

/** An image or a mask, or a folder of them, with the name by which they belong together. */
export interface Named {
  /** Path relative to the root. */
  readonly id: string;
  readonly stem: string;
}

/** Images or folders of them, and the masks that may belong to them. */
export interface Pairing {
  /** Name of the folder of the images, for messages. */
  readonly folder: string;
  readonly images: readonly Named[];
  readonly masks: readonly Named[];
}

/** What of a pairing was found. */
interface Matches {
  /** Masks by the ids of their images. */
  readonly pairs: Map<string, string>;
  /** Images without a mask. */
  readonly without: readonly Named[];
  /** Masks without an image. */
  readonly stray: readonly string[];
}

/** The path of a file without its extension. */
export function stemOf(name: string): string {
  return name.replace(/\.[^./]+$/, '');
}

/** The stems of the images that a mask may belong to: `7` and `7_mask` for `7_mask.png`. */
function imageStems(stem: string): string[] {
  const stems = [stem.replace(/_mask$/i, ''), stem];
  return [...stems, ...stems.map(composed)];
}

/**
 * Finds the masks of anomalous images by name, exactly or in the composed form of Unicode. An image without a mask is
 * allowed (unless masks are required) and counted. A mask without an image is a problem if an image next to it has no
 * mask, because one of the two names is then probably misspelled; otherwise it is a warning.
 */
export class MaskPairs {
  readonly problems: DatasetProblem[] = [];
  readonly #warnings: string[] = [];
  readonly #without: string[] = [];
  readonly #required: boolean;
  #paired = 0;

  constructor(masks: 'required' | 'optional' = 'optional') {
    this.#required = masks === 'required';
  }

  /**
   * @param expected path at which the mask of an image is expected, for messages.
   * @returns the masks by the ids of their images.
   */
  pair(pairing: Pairing, expected: (stem: string) => string): Map<string, string> {
    const { pairs, without, stray } = this.#match(pairing);
    const stems = new Set(pairing.images.map(({ stem }) => stem));
    for (const { id, stem } of pairing.images) {
      const image = stem.replace(/_mask$/i, '');
      if (image !== stem && stems.has(image))
        this.report(id, `named like the mask of ${image}, but among the images`);
    }
    for (const { id, stem } of without) this.missing(id, `its mask ${expected(stem)} is missing`);
    this.#paired += pairs.size;
    this.#tellStray(stray, without, pairing.folder);
    return pairs;
  }

  /** Looks for folders of masks without a folder of images. */
  pairFolders(pairing: Pairing): void {
    const { without, stray } = this.#match(pairing);
    this.#tellStray(stray, without, pairing.folder);
  }

  /** Counts an image whose mask was found in another way. */
  found(): void {
    this.#paired++;
  }

  /** Counts an image without a mask. @param problem and `where` it is, if masks are required. */
  missing(id: string, problem: string, where = id): void {
    this.#without.push(id);
    if (this.#required) this.report(where, problem);
  }

  report(path: string, problem: string): void {
    this.problems.push({ path, problem });
  }

  /** What is to be said of the masks, after all images. Nothing of missing ones if no image has a mask. */
  warnings(): string[] {
    if (this.#paired === 0 || this.#without.length === 0) return this.#warnings;
    const without = [...this.#without].sort(byCodeUnit);
    const all = this.#paired + without.length;
    return [
      ...this.#warnings,
      `${without.length} of ${all} anomalous images have no mask, so pixel metrics leave them out: ${firstFew(without)}`,
    ];
  }

  #match({ images, masks }: Pairing): Matches {
    const { byStem, second } = this.#byStem(masks);
    const taken = new Map<string, string>();
    const pairs = new Map<string, string>();
    const without: Named[] = [];
    for (const image of images) {
      const { id, stem } = image;
      const mask = byStem.get(stem) ?? byStem.get(composed(stem));
      if (mask === undefined) {
        without.push(image);
        continue;
      }
      const twin = taken.get(mask);
      if (twin !== undefined) this.report(id, `has the same mask ${mask} as ${twin}`);
      taken.set(mask, id);
      pairs.set(id, mask);
    }
    const stray = masks.map(({ id }) => id).filter((id) => !taken.has(id) && !second.has(id));
    return { pairs, without, stray };
  }

  /** Masks by the stems of the images that they may belong to, and those whose image already has one. */
  #byStem(masks: readonly Named[]): { readonly byStem: Map<string, string>; readonly second: Set<string> } {
    const byStem = new Map<string, string>();
    const first = new Map<string, string>();
    const second = new Set<string>();
    for (const { id, stem } of masks) {
      const [shortest, ...others] = imageStems(stem);
      const same = first.get(shortest!);
      if (same === undefined) first.set(shortest!, id);
      else {
        second.add(id);
        this.report(id, `a second mask for the image of ${same}`);
      }
      for (const each of [shortest!, ...others]) if (!byStem.has(each)) byStem.set(each, id);
    }
    return { byStem, second };
  }

  #tellStray(stray: readonly string[], without: readonly Named[], folder: string): void {
    if (stray.length === 0) return;
    if (without.length === 0) {
      this.#warnings.push(`${stray.length} of the masks belong to no image in ${folder}: ${firstFew(stray)}`);
      return;
    }
    const lacking = without.length === 1 ? `${without[0]!.id} has no mask` : `${without.length} have no mask`;
    for (const mask of stray) {
      this.report(mask, `a mask without an image in ${folder}, of which ${lacking}; is a name misspelled?`);
    }
  }
}
