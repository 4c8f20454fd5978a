import { upsampleBilinear } from '@dskd/core';
import type { StateDict } from '@dskd/weights';
import * as tf from '@tensorflow/tfjs-core';
import type {
  AnomalyModel,
  BranchInfo,
  BranchOutput,
  BranchTensors,
  JsonObject,
  NearestPatch,
  SavedModel,
} from '../contract.js';
import { TILES_PER_PASS, type TileBlend, type TileGrid } from './grid.js';
import type { Shrink } from './shrink.js';

/** The two models of a method that runs on tiles; one of them may be missing, not both. */
export interface TiledModels {
  /** Sees tiles at the image's full size. */
  readonly tile: AnomalyModel | null;
  /** Sees whole images at the size of a tile. */
  readonly whole: AnomalyModel | null;
}

/** What a tile's outputs add up to for one branch of one image. */
interface Gathered {
  readonly name: string;
  readonly blend: TileBlend | null;
  /** The score of the worst tile, for a branch without a map. */
  score: number;
}

/** A method's models of tiles and of whole images as one. Its results do not depend on the batch: each image has its own passes. */
export class TiledModel implements AnomalyModel {
  readonly method: string;
  readonly branches: readonly BranchInfo[];
  readonly scoreTensors?: NonNullable<AnomalyModel['scoreTensors']>;
  readonly extend?: NonNullable<AnomalyModel['extend']>;
  readonly forget?: NonNullable<AnomalyModel['forget']>;
  readonly nearest?: NonNullable<AnomalyModel['nearest']>;
  readonly keepsPatches: boolean;

  /** The model disposes both models. */
  constructor(
    private readonly models: TiledModels,
    private readonly grid: TileGrid,
    private readonly shrink: Shrink,
  ) {
    const both = [models.tile, models.whole].filter((model) => model !== null);
    this.method = both[0]!.method;
    this.branches = both.flatMap((model) => model.branches);
    this.keepsPatches = both.some((model) => model.keepsPatches);
    // Offered where every model offers it: a detector asks by the presence of the function.
    if (both.every((model) => model.scoreTensors !== undefined))
      this.scoreTensors = (images) => this.#scoreTensors(images);
    if (both.every((model) => model.extend !== undefined)) this.extend = (images) => this.#extend(images);
    if (both.every((model) => model.forget !== undefined))
      this.forget = () => both.forEach((model) => model.forget!());
    if (both.some((model) => model.nearest !== undefined))
      this.nearest = (image, places) => this.#nearest(image, places);
  }

  async score(images: tf.Tensor4D): Promise<BranchOutput[]> {
    const { tile, whole } = this.models;
    const outputs: BranchOutput[] = [];
    try {
      if (tile) outputs.push(...(await this.#scoreTiles(tile, images)));
      if (whole) {
        const small = this.shrink.apply(images);
        outputs.push(...(await whole.score(small).finally(() => small.dispose())));
      }
      return outputs;
    } catch (error) {
      for (const { map } of outputs) map?.dispose();
      throw error;
    }
  }

  async #scoreTiles(model: AnomalyModel, images: tf.Tensor4D): Promise<BranchOutput[]> {
    const [batch, height, width] = images.shape;
    const results = model.branches.map(({ name, map }) => ({
      name,
      maps: map ? new Float32Array(batch * height * width) : null,
      scores: new Float32Array(batch),
    }));
    for (let image = 0; image < batch; image++) {
      const gathered = await this.#gather(model, images, image);
      gathered.forEach(({ blend, score }, index) => {
        const { maps, scores } = results[index]!;
        if (blend) maps!.set(blend.result(), image * height * width);
        scores[image] = score;
      });
    }
    return results.map(({ name, maps, scores }) =>
      maps ? { name, map: tf.tensor3d(maps, [batch, height, width]) } : { name, map: null, scores },
    );
  }

  async #scoreTensors(images: tf.Tensor4D): Promise<BranchTensors[]> {
    const { tile, whole } = this.models;
    const outputs = tile ? await this.#tileTensors(tile, images) : [];
    if (!whole) return outputs;
    const small = this.shrink.apply(images);
    return [...outputs, ...(await whole.scoreTensors!(small).finally(() => small.dispose()))];
  }

  /** As {@link #scoreTiles}: maps of tiles are weighted and added, of scores the largest counts. */
  async #tileTensors(model: AnomalyModel, images: tf.Tensor4D): Promise<BranchTensors[]> {
    const { tiles } = this.grid;
    const results: BranchTensors[] = [];
    for (let first = 0; first < tiles.length; first += TILES_PER_PASS) {
      const places = tiles.slice(first, first + TILES_PER_PASS);
      const pass = tf.tidy(() => tf.concat(places.map((place) => this.#tilesAt(images, place))));
      const outputs = await model.scoreTensors!(pass).finally(() => pass.dispose());
      for (const [index, { name, map, scores }] of outputs.entries()) {
        const before = results[index];
        if (map) {
          const sum = tf.tidy(() => {
            const blended = this.#blended(map, places);
            return before ? tf.add<tf.Tensor3D>(before.map!, blended) : blended;
          });
          results[index] = { name, map: sum };
        } else {
          const worst = tf.tidy(() => {
            const own = tf.max<tf.Tensor1D>(tf.reshape(scores!, [places.length, -1]), 0);
            return before ? tf.maximum<tf.Tensor1D>(before.scores!, own) : own;
          });
          results[index] = { name, map: null, scores: worst };
        }
        for (const used of [map, scores, before?.map, before?.scores]) used?.dispose();
      }
    }
    return results;
  }

  /** One tile of each image. */
  #tilesAt(images: tf.Tensor4D, { top, left }: TileGrid['tiles'][number]): tf.Tensor4D {
    const { size } = this.grid.tiling;
    return tf.slice(images, [0, top, left, 0], [-1, size, size, 3]);
  }

  /** Maps of tiles, tile after tile, as one weighted map of each image. */
  #blended(map: tf.Tensor3D, places: TileGrid['tiles']): tf.Tensor3D {
    const { size } = this.grid.tiling;
    const [height, width] = this.grid.inputSize;
    const large = upsampleBilinear(map, [size, size], { alignCorners: false });
    const byTile = tf.unstack(tf.reshape(large, [places.length, -1, size, size])) as tf.Tensor3D[];
    const whole = places.map((place, index) => {
      const weighted = tf.mul<tf.Tensor3D>(
        byTile[index]!,
        tf.tensor2d(this.grid.weightsOf(place), [size, size]),
      );
      const { top, left } = place;
      return tf.pad3d(weighted, [
        [0, 0],
        [top, height - top - size],
        [left, width - left - size],
      ]);
    });
    // Not addN: on WebGPU it takes seven tensors at most, and gives zeros for more.
    return whole.reduce((sum, each) => tf.add(sum, each));
  }

  async #gather(model: AnomalyModel, images: tf.Tensor4D, image: number): Promise<Gathered[]> {
    const { tiles } = this.grid;
    const gathered = model.branches.map(
      ({ name, map }): Gathered => ({
        name,
        blend: map ? this.grid.blend() : null,
        score: -Infinity,
      }),
    );
    for (let first = 0; first < tiles.length; first += TILES_PER_PASS) {
      const places = tiles.slice(first, first + TILES_PER_PASS);
      const pass = this.#cut(images, image, places);
      const outputs = await model.score(pass).finally(() => pass.dispose());
      try {
        for (const [index, { map, scores }] of outputs.entries()) {
          const result = gathered[index]!;
          if (map) await this.#addMaps(result.blend!, places, map);
          else result.score = Math.max(result.score, ...scores!);
        }
      } finally {
        for (const { map } of outputs) map?.dispose();
      }
    }
    return gathered;
  }

  async #addMaps(blend: TileBlend, places: TileGrid['tiles'], map: tf.Tensor3D): Promise<void> {
    const { size } = this.grid.tiling;
    // As a detector brings the maps of a whole image to its size.
    const large = upsampleBilinear(map, [size, size], { alignCorners: false });
    const values = await large.data<'float32'>().finally(() => large.dispose());
    places.forEach((place, index) =>
      blend.add(place, values.subarray(index * size * size, (index + 1) * size * size)),
    );
  }

  #cut(images: tf.Tensor4D, image: number, places: TileGrid['tiles']): tf.Tensor4D {
    const { size } = this.grid.tiling;
    return tf.tidy(() =>
      tf.concat(
        places.map(({ top, left }) => tf.slice(images, [image, top, left, 0], [1, size, size, 3])),
        0,
      ),
    );
  }

  async #extend(images: AsyncIterable<tf.Tensor4D>): Promise<void> {
    const { tile, whole } = this.models;
    // The images come once: what the second model needs of them is kept, small, until the first one has them all.
    const small: tf.Tensor4D[] = [];
    try {
      const seen = (batch: tf.Tensor4D): void => {
        if (whole) small.push(this.shrink.apply(batch));
      };
      if (tile) await tile.extend!(this.#passes(images, seen));
      else for await (const batch of images) seen(batch);
      try {
        await whole?.extend!(each(small));
      } catch (error) {
        tile?.forget?.();
        throw error;
      }
    } finally {
      tf.dispose(small);
    }
  }

  /** The tiles of images, image after image, a few at a time. */
  async *#passes(
    images: AsyncIterable<tf.Tensor4D>,
    seen: (batch: tf.Tensor4D) => void,
  ): AsyncGenerator<tf.Tensor4D> {
    const { tiles } = this.grid;
    for await (const batch of images) {
      seen(batch);
      for (let image = 0; image < batch.shape[0]; image++) {
        for (let first = 0; first < tiles.length; first += TILES_PER_PASS) {
          const pass = this.#cut(batch, image, tiles.slice(first, first + TILES_PER_PASS));
          try {
            yield pass;
          } finally {
            pass.dispose();
          }
        }
      }
    }
  }

  async #nearest(
    image: tf.Tensor4D,
    places: readonly (readonly [number, number])[],
  ): Promise<NearestPatch[]> {
    const { tile, whole } = this.models;
    const found = tile?.nearest ? await this.#nearestInTiles(tile, image, places) : [];
    if (found.length > 0 || !whole?.nearest) return found;
    const [height, width] = this.grid.inputSize;
    const scale = { y: height / this.grid.tiling.size, x: width / this.grid.tiling.size };
    const small = this.shrink.apply(image);
    const patches = await whole
      .nearest(
        small,
        places.map(([y, x]) => [y / scale.y, x / scale.x]),
      )
      .finally(() => small.dispose());
    return patches.map(({ area, ...patch }) => ({
      ...patch,
      area: {
        x: area.x * scale.x,
        y: area.y * scale.y,
        width: area.width * scale.x,
        height: area.height * scale.y,
      },
    }));
  }

  /** Asks, for each place, the tile that counts most there. The tile's model knows training tiles, not images. */
  async #nearestInTiles(
    model: AnomalyModel,
    image: tf.Tensor4D,
    places: readonly (readonly [number, number])[],
  ): Promise<NearestPatch[]> {
    const { tiles } = this.grid;
    const chosen = places.map((place) => this.grid.tileAt(place));
    const found: NearestPatch[] = [];
    for (const index of new Set(chosen)) {
      const at = tiles[index]!;
      const positions = [...places.keys()].filter((position) => chosen[position] === index);
      const pass = this.#cut(image, 0, [at]);
      const patches = await model.nearest!(
        pass,
        positions.map((position) => [places[position]![0] - at.top, places[position]![1] - at.left]),
      ).finally(() => pass.dispose());
      if (patches.length === 0) return [];
      patches.forEach(({ image: tile, area, distance }, order) => {
        const { top, left } = tiles[tile % tiles.length]!;
        found[positions[order]!] = {
          image: Math.floor(tile / tiles.length),
          area: { ...area, x: area.x + left, y: area.y + top },
          distance,
        };
      });
    }
    return found;
  }

  state(): SavedModel {
    const tensors: StateDict = new Map();
    const configOf = (name: 'tile' | 'whole'): JsonObject | null => {
      const saved = this.models[name]?.state();
      for (const [key, entry] of saved?.tensors ?? []) tensors.set(`${name}.${key}`, entry);
      return saved?.config ?? null;
    };
    return { config: { tile: configOf('tile'), whole: configOf('whole') }, tensors };
  }

  dispose(): void {
    this.models.tile?.dispose();
    this.models.whole?.dispose();
  }
}

async function* each(tensors: readonly tf.Tensor4D[]): AsyncGenerator<tf.Tensor4D> {
  for (const tensor of tensors) yield await Promise.resolve(tensor);
}
