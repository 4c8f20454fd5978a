import path from 'node:path';
import { DskdError } from '@dskd/base';
import { encodeFloatTiff, type ImageSource, type Sample } from '@dskd/data';
import { assertWritable, writeFileAtomically } from '@dskd/data/node';
import type { EvaluatedImage } from '@dskd/detector';

const FUSED = 'fused';

/**
 * Writes maps as files that MVTec's evaluation scripts read: `FOLDER/<object>/test/<defect>/<image>.tiff`, 32-bit
 * floats, of the image's own size.
 */
export class MapFiles {
  readonly #files: ReadonlyMap<string, string>;
  readonly #score: string;

  private constructor(files: ReadonlyMap<string, string>, score: string) {
    this.#files = files;
    this.#score = score;
  }

  /**
   * Chooses a file for each test image, before any work.
   * @param score `fused` or the name of a branch.
   * @throws {DskdError} `dataset-invalid` if two images would have the same file, or one would be outside the folder.
   */
  static in(folder: string, source: ImageSource, score: string): MapFiles {
    const files = new Map<string, string>();
    const takenBy = new Map<string, Sample>();
    const object = path.join(folder, source.name);
    for (const sample of source.samples.filter(({ split }) => split === 'test')) {
      const { dir, name } = path.parse(sample.id);
      const file = path.join(object, dir, `${name}.tiff`);
      const twin = takenBy.get(file);
      if (twin || path.relative(object, file).startsWith('..')) {
        throw new DskdError(
          'dataset-invalid',
          twin
            ? `The maps of ${twin.id} and ${sample.id} would be the same file, ${file}.`
            : `The map of ${sample.id} would be outside ${object}.`,
          { hint: 'Evaluate without --write-maps, or give the images other names.', details: { file } },
        );
      }
      takenBy.set(file, sample);
      files.set(sample.id, file);
    }
    return new MapFiles(files, score);
  }

  /**
   * @param branches the detector's.
   * @throws {DskdError} `invalid-argument` for a branch that the detector does not have, or that has no map; `file-not-writable`
   */
  async assertWritableFor(
    branches: readonly { readonly name: string; readonly map: boolean }[],
  ): Promise<void> {
    const names = [FUSED, ...branches.filter(({ map }) => map).map(({ name }) => name)];
    if (!names.includes(this.#score)) {
      throw new DskdError(
        'invalid-argument',
        `Got maps of "${this.#score}", wanted one of ${names.join(', ')}.`,
        { details: { got: this.#score, wanted: names } },
      );
    }
    const [first] = this.#files.values();
    if (first !== undefined) await assertWritable(first);
  }

  /** @throws {DskdError} `file-not-writable` */
  async write({ sample, maps }: EvaluatedImage): Promise<void> {
    const map = this.#score === FUSED ? maps.fused : maps.branches[this.#score]!;
    await writeFileAtomically(this.#files.get(sample.id)!, encodeFloatTiff(map));
  }
}
