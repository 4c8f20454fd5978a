import { DskdError } from '@dskd/base';
import { tensorFiles } from '@dskd/weights';
import { z } from 'zod';
import type {
  Alternative,
  AnomalyModel,
  CostEstimate,
  Fit,
  FitInput,
  FitPlan,
  JsonObject,
  Method,
  RestoreContext,
  SavedModel,
  Size,
} from '../contract.js';
import { asJson } from '../json.js';
import { readTiledCheckpoint, writeTiledCheckpoint, type EndedFit } from './checkpoint.js';
import { assertTiling, imagesPerPass, TileGrid, type Tiling } from './grid.js';
import { shrunk, tilesOf } from './image-sets.js';
import { Shrink } from './shrink.js';
import { TiledModel } from './tiled-model.js';

const json = z.record(z.string(), z.json());

const tiledConfig = z
  .object({ tile: json.nullable(), whole: json.nullable() })
  .refine(
    ({ tile, whole }) => tile !== null || whole !== null,
    'there must be a model of tiles or of whole images',
  );

/** The fits that a tiled fit is made of, in their order. */
const PARTS = ['tile', 'whole'] as const;
type Part = (typeof PARTS)[number];

type Options = Readonly<Record<Part, unknown>>;

/** The parts that options ask for. */
function partsOf(options: Options): Part[] {
  return PARTS.filter((part) => options[part] !== null);
}

/** The plan of one of the fits. */
function planOf(part: Part, plan: FitPlan, tiling: Tiling): FitPlan {
  const tiles = part === 'tile' ? new TileGrid(tiling, plan.inputSize).tiles.length : 1;
  return { ...plan, images: plan.images * tiles, inputSize: [tiling.size, tiling.size] };
}

/** What the images themselves take at their full size: pixels, the maps of each branch, what scoring makes of them. */
function fullSizeBytes([height, width]: Size): number {
  return height * width * 4 * 16;
}

/** The files of fits whose models and checkpoints are kept together. */
function filesOf(estimates: readonly CostEstimate[]): CostEstimate['files'] {
  const files = estimates.map((each) => each.files);
  if (!files.every((each) => each !== undefined)) return undefined;
  return {
    model: files.reduce((sum, { model }) => sum + model, 0),
    checkpoint: files.reduce((sum, { checkpoint = 0 }) => sum + checkpoint, 0),
  };
}

/** The larger of fits that run one after the other, with images at their full size. */
function largest(estimates: readonly CostEstimate[], inputSize: Size): CostEstimate {
  const [most] = [...estimates].sort((a, b) => b.bytes - a.bytes);
  const bytes = fullSizeBytes(inputSize);
  const { memory } = most!;
  const total = memory.total + bytes;
  return {
    bytes: total,
    memory: {
      ...memory,
      parts: [...memory.parts, { what: 'an image at its full size', heap: 'main', bytes }],
      heaps: memory.heaps.map((heap) =>
        heap.heap === 'main' ? { ...heap, bytes: heap.bytes + bytes } : heap,
      ),
      total,
    },
    files: filesOf(estimates),
    steps: estimates.reduce((sum, { steps }) => sum + steps, 0),
  };
}

/** JSON that decides what the fits give, as a checkpoint compares it. */
function runOf({ run }: FitInput, options: Options): JsonObject {
  return asJson({ ...run, options });
}

function endedFit({ model, ...rest }: Fit): EndedFit {
  return { ...rest, saved: model.state() };
}

/** Fits what `options` ask for, one after the other, and goes on where a checkpoint stopped. */
async function fitParts(
  method: Method,
  input: FitInput,
  options: Options,
  tiling: Tiling,
): Promise<Map<Part, Fit>> {
  const parts = partsOf(options);
  const grid = new TileGrid(tiling, input.inputSize);
  const images = {
    tile: () => tilesOf(input.trainingImages, grid),
    whole: () => shrunk(input.trainingImages, new Shrink(input.inputSize, tiling.size)),
  };
  const { checkpoint } = input;
  const run = runOf(input, options);
  const resumed = input.resumeFrom && readTiledCheckpoint(input.resumeFrom, run);
  const fits = new Map<Part, Fit>();
  try {
    if (resumed?.first) {
      const { saved, ...rest } = resumed.first;
      const context = { inputSize: [tiling.size, tiling.size] as const, teacher: input.teacher };
      fits.set(parts[0]!, { ...rest, model: await method.restore(saved, context) });
    }
    for (const part of parts) {
      if (fits.has(part)) continue;
      const first = parts.indexOf(part) > 0 ? endedFit(fits.get(parts[0]!)!) : null;
      const goesOn = resumed && (resumed.first !== null) === (first !== null);
      const fit = await method.fit(
        {
          ...input,
          ...planOf(part, input, tiling),
          trainingImages: images[part](),
          checkpoint: checkpoint && {
            ...checkpoint,
            save: (running) => checkpoint.save(writeTiledCheckpoint({ run, first, running })),
          },
          resumeFrom: goesOn ? resumed.running : undefined,
        },
        options[part],
      );
      fits.set(part, fit);
    }
    return fits;
  } catch (error) {
    for (const { model } of fits.values()) model.dispose();
    throw error;
  }
}

/** @throws {DskdError} `artifact-invalid`, `weights-mismatch` */
function savedParts({ config, tensors }: SavedModel): Map<Part, SavedModel> {
  const checked = tensorFiles.checkMetadata(tiledConfig, config, 'detector');
  const parts = partsOf(checked);
  const extra = [...tensors.keys()].filter((name) => !parts.some((part) => name.startsWith(`${part}.`)));
  if (extra.length > 0) {
    throw new DskdError(
      'weights-mismatch',
      `The file holds tensors of no model: ${extra.join(', ')}; wanted those of ${parts.join(' and ')}.`,
      { details: { tensors: extra } },
    );
  }
  return new Map(
    parts.map((part) => [part, { config: checked[part]!, tensors: tensorFiles.tensorsUnder(tensors, part) }]),
  );
}

function modelOf(models: ReadonlyMap<Part, AnomalyModel>, tiling: Tiling, inputSize: Size): TiledModel {
  return new TiledModel(
    { tile: models.get('tile') ?? null, whole: models.get('whole') ?? null },
    new TileGrid(tiling, inputSize),
    new Shrink(inputSize, tiling.size),
  );
}

async function restoreParts(
  method: Method,
  saved: SavedModel,
  { inputSize, teacher }: RestoreContext,
  tiling: Tiling,
): Promise<TiledModel> {
  assertTiling(tiling, inputSize, teacher?.extractor);
  const models = new Map<Part, AnomalyModel>();
  try {
    for (const [part, state] of savedParts(saved)) {
      models.set(part, await method.restore(state, { inputSize: [tiling.size, tiling.size], teacher }));
    }
    return modelOf(models, tiling, inputSize);
  } catch (error) {
    for (const model of models.values()) model.dispose();
    throw error;
  }
}

/** Joins, among models that were fitted apart, those of tiles and those of whole images. */
function combineParts(method: Method, models: readonly SavedModel[]): SavedModel {
  const all = models.map(savedParts);
  const joined = PARTS.map((part) => {
    const some = all.flatMap((parts) => parts.get(part) ?? []);
    return { part, saved: some.length > 1 ? method.combine!(some) : some[0] };
  });
  return {
    config: Object.fromEntries(joined.map(({ part, saved }) => [part, saved?.config ?? null])),
    tensors: new Map(
      joined.flatMap(({ part, saved }) =>
        [...(saved?.tensors ?? [])].map(([name, entry]) => [`${part}.${name}`, entry] as const),
      ),
    ),
  };
}

/**
 * A method on tiles: the parts of it that look at places see tiles of each image at its full size, those that look at
 * the whole image see it at the size of a tile. Its models take and give images of the full size.
 * @param others names of methods that can, for the error.
 * @throws {DskdError} `invalid-argument` for a method that cannot run on tiles.
 */
export function tiledMethod(method: Method, tiling: Tiling, others: readonly string[]): Method {
  const { name } = method;
  if (!method.tiling) {
    throw new DskdError(
      'invalid-argument',
      `Got tiles for the method ${name}, which cannot run on them: what it learns belongs to a place in the part, or ` +
        'to the part as a whole, and a tile is neither.',
      {
        hint: `Use one of ${others.join(', ')}, or a larger input size without tiles.`,
        details: { method: name, others },
      },
    );
  }
  const split = (options: unknown): Options => method.tiling!(options);
  const estimates = (plan: FitPlan, options: unknown): Map<Part, CostEstimate> => {
    assertTiling(tiling, plan.inputSize, plan.teacher?.extractor);
    const parts = split(options);
    return new Map(
      partsOf(parts).map((part) => [part, method.estimate(planOf(part, plan, tiling), parts[part])]),
    );
  };
  return {
    name,
    summary: method.summary,
    options: method.options,
    profiles: method.profiles,
    needs: method.needs,
    ...(method.looksOnce && { looksOnce: true }),
    ...(method.keepsPatches && {
      keepsPatches: (options: unknown) => {
        const parts = split(options);
        return partsOf(parts).some((part) => method.keepsPatches!(parts[part]));
      },
    }),
    ...(method.scoring && { scoring: (options: unknown) => method.scoring!(options) }),
    estimate: (plan, options) => largest([...estimates(plan, options).values()], plan.inputSize),
    ...(method.alternatives && {
      alternatives: (plan: FitPlan, options: unknown, availableBytes: number): Alternative[] => {
        const parts = split(options);
        const [[part] = ['tile' as const]] = [...estimates(plan, options)].sort(
          ([, a], [, b]) => b.bytes - a.bytes,
        );
        const left = availableBytes - fullSizeBytes(plan.inputSize);
        // Sizes would be of tiles, and branches are fitted apart already.
        return method.alternatives!(planOf(part, plan, tiling), parts[part], left).filter(
          ({ kind }) => kind !== 'input-size' && kind !== 'branches-apart',
        );
      },
    }),
    fit: async (input, options) => {
      assertTiling(tiling, input.inputSize, input.teacher?.extractor);
      const fits = await fitParts(method, input, split(options), tiling);
      const [one] = fits.values();
      const records = [...fits].map(([part, { record }]) => [part, record] as const);
      return {
        model: modelOf(new Map([...fits].map(([part, { model }]) => [part, model])), tiling, input.inputSize),
        record: Object.fromEntries(records),
        batchSize: imagesPerPass({ inputSize: input.inputSize, tiles: tiling }),
        ...(one!.storage && { storage: one!.storage }),
      };
    },
    restore: (saved, context) => restoreParts(method, saved, context, tiling),
    ...(method.combine && { combine: (models: readonly SavedModel[]) => combineParts(method, models) }),
  };
}
