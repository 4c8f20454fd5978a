import { describeValue, DskdError, type EventListener } from '@dskd/base';
import {
  digestOfPixels,
  type Augmentation,
  type Color,
  type Fit,
  type ImageSource,
  type IntensityRange,
  type PixelSize,
  type Preparation,
  type Sample,
} from '@dskd/data';
import {
  assertTiling,
  createMethod,
  defaultOverlap,
  TRAINING_DEFAULTS,
  type Execution,
  type FitInput,
  type FitPlan,
  type JsonObject,
  type Method,
  type Size,
  type Tiling,
} from '@dskd/methods';
import type { Teacher } from '@dskd/models';
import { z } from 'zod';
import type { DetectorDescription, TrainingRecord } from '../artifact/description.js';
import { chooseImages, type ChosenImages } from '../calibration/choose-images.js';
import { assertSource } from '../inference/arguments.js';
import { ignoredAtNetworkSize, type IgnoreMask } from '../inference/ignored-pixels.js';
import { preparationOf } from '../inference/preparation.js';
import { copiesFor } from './altered-copies.js';
import { assertSha256 } from './assert-sha256.js';
import { resolveCalibration, type CalibrationOptions } from './calibration-options.js';
import { defaultInputSize } from './default-input-size.js';
import { resolveIntensityRange } from './intensity-range.js';
import { resolveThumbnails } from './thumbnail-options.js';

/** How images become the network's input. */
export interface InputOptions {
  /**
   * `[height, width]` in pixels. Default: the side that the method prefers (256 for `instant`) where the first
   * training image is as large both ways; else `[128, 128]`.
   */
  readonly size?: Size;
  /**
   * For small defects in large images: the method runs on square tiles of the image at `size`, and what looks at the
   * whole image sees it at the size of a tile. Memory does not grow with the image. `overlap`: an eighth of the side
   * where it is left out. Default: no tiles.
   */
  readonly tiles?: { readonly size: number; readonly overlap?: number } | undefined;
  /** How images of other proportions become that size. Default `stretch`. */
  readonly fit?: Fit;
  /** What fills a letterbox's border, and hides ignored pixels: red, green, blue, 0..255. Default: the mean of ImageNet. */
  readonly fill?: Color;
  /**
   * Of 16-bit images the stored values that become 0 and 255, for example those that a thermal camera uses; `auto`: what
   * the training images span, and half as much on both sides. Kept in the artifact: images of 8 bits are then refused.
   * Default: their upper 8 bits are taken.
   */
  readonly intensityRange?: IntensityRange | 'auto' | undefined;
  /**
   * How training images are varied, by (seed, epoch, sample id). Students see other ones in each epoch, and teacher
   * features are computed in each epoch; methods in closed form learn `copies` altered ones beside each image.
   * Statistics, scores and threshold come from images as they are. Default: not at all.
   */
  readonly augmentation?: Augmentation | undefined;
  /**
   * Altered copies of each training image that a method in closed form learns, 1 to 64. For few images: with one image
   * further copies calibrate. Default 4 with `augmentation`.
   */
  readonly copies?: number | undefined;
  /**
   * Pixels that count neither for statistics nor for any score: 1 channel, not 0 does not count, of any size with
   * the images' proportions. Kept in the artifact. The method sees `fill` in their place, in training and in use.
   */
  readonly ignored?: IgnoreMask | undefined;
}

export interface TrainDetectorOptions {
  /** Good images in its `train` split; good ones in `validation`, if it has them, calibrate. */
  readonly source: ImageSource;
  /**
   * Images that the detector will be tested on, such as those of the split `test`. Nothing is learned from them: they and their
   * masks are read once before the first step, so that a damaged one is not found after the training. Default: none.
   */
  readonly testImages?: readonly Sample[] | undefined;
  /** For methods that need one. The caller keeps and disposes it, not before the detector. */
  readonly teacher?: Teacher;
  /** Name of a method of `@dskd/methods`, or of one that was registered there. Default `instant`. */
  readonly method?: string;
  /** The method's own options, e.g. `DskdOptions`; those that are left out have its defaults. */
  readonly options?: object;
  readonly input?: InputOptions;
  readonly calibration?: CalibrationOptions;
  /**
   * Also keeps each training image as the network sees it, small, for {@link Detector.explain}: this many pixels on the
   * longer side, 16 to 256, and not more than the network's input has. 64 x 64 px take 12 KB an image, in the file and in
   * memory. For methods that keep patches. Default: none.
   */
  readonly thumbnails?: number | undefined;
  /** How it runs on this machine: threads, memory for features. Does not change the result. */
  readonly execution?: Execution;
  /** Root of every random stream. Default 1. */
  readonly seed?: number;
  /** Called with the bytes of a checkpoint every so many epochs, and when aborted. Where it fails, a warning is emitted. */
  readonly checkpoint?: { readonly everyEpochs: number; save(bytes: Uint8Array): Promise<void> } | undefined;
  /** Bytes of a checkpoint of the same run: goes on where it stopped, to the same bits. */
  readonly resumeFrom?: Uint8Array | undefined;
  /** JSON kept in the artifact's training record: a caller's own options that decided the result. */
  readonly recorded?: Readonly<Record<string, unknown>>;
  readonly onEvent?: EventListener | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a method fits, and what it is told of it before it reads an image. */
export interface Fitting {
  readonly method: Method;
  /** As the method's schema gives them. */
  readonly options: unknown;
  readonly plan: FitPlan;
  /** What a checkpoint is good for. Its `dataFingerprint` is empty until the images were read. */
  readonly run: JsonObject;
}

/** How a fit is followed, kept and stopped. Does not change its result. */
export type FitProgress = Pick<FitInput, 'checkpoint' | 'resumeFrom' | 'onEvent' | 'signal'>;

/** A training with every choice made, by who works with it; nothing after it reads a default. */
export interface ResolvedTraining {
  /** Altered copies of each training image that are learned beside it. */
  readonly copies: number;
  readonly source: ImageSource;
  readonly chosen: ChosenImages;
  /** Read before the fit, and not used for it. */
  readonly testImages: readonly Sample[];
  /** How all of these images are prepared; those that are trained on are varied, too. */
  readonly preparation: Preparation & {
    readonly leastSide: number;
    readonly augment?: { readonly augmentation: Augmentation; readonly seed: number };
  };
  readonly fitting: Fitting;
  readonly progress: FitProgress;
  readonly calibration: {
    readonly fusion: DetectorDescription['fusion'];
    readonly statisticsOn: 'calibration' | 'training';
    readonly falseAlarmRate: number;
  };
  /** `height * width` of the network's input, 1 where pixels do not count. */
  readonly ignored: Uint8Array | null;
  /** Size of the thumbnails that are kept; null for none. */
  readonly thumbnails: PixelSize | null;
  /** What the artifact says of its input. */
  readonly input: Pick<
    DetectorDescription,
    'teacher' | 'inputSize' | 'tiles' | 'resize' | 'ignored' | 'cover'
  >;
  /** What the artifact's training record says before the fit. Its `dataFingerprint` is empty, too. */
  readonly record: Pick<TrainingRecord, 'seed' | 'images' | 'dataFingerprint' | 'augmentation' | 'options'>;
}

/** @throws {DskdError} `invalid-config` naming every option that is wrong. */
function checkMethodOptions(method: Method, given: object): unknown {
  const checked = method.options.safeParse(given);
  if (checked.success) return checked.data;
  const issues = checked.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }));
  throw new DskdError(
    'invalid-config',
    `The options of the method ${method.name} do not make sense:\n${z.prettifyError(checked.error)}`,
    { details: { method: method.name, issues } },
  );
}

/** @throws {DskdError} `invalid-argument`: a teacher without a SHA-256, no teacher where one is needed. */
function teacherFor(method: Method, given: Teacher | undefined): Teacher | undefined {
  if (given) assertSha256(given);
  else if (method.needs.teacher) {
    throw new DskdError('invalid-argument', `The method ${method.name} needs a teacher; got none.`, {
      hint: 'loadTeacher of @dskd/models makes one from a weight file; the package dskd brings its own.',
    });
  }
  return method.needs.teacher ? given : undefined;
}

/** What an artifact says of a teacher that is not inside it. */
function describeTeacher({ extractor, sha256, weights }: Teacher): DetectorDescription['teacher'] {
  const { name, levels, inputTransform } = extractor;
  const { channelOrder, scale, mean, standardDeviation } = inputTransform;
  return {
    name,
    sha256,
    embedded: weights !== undefined,
    levels: levels.map((level) => ({ ...level })),
    inputTransform: { channelOrder, scale, mean: [...mean], standardDeviation: [...standardDeviation] },
  };
}

/** A value as JSON holds it: without what is undefined, and shared with nobody. */
function asJson(value: object): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject;
}

/** @throws {DskdError} `invalid-config`: the tiles; `input-size-mismatch`, `shape-mismatch`: the ignore mask. */
function resolveInput(
  given: InputOptions,
  [height, width]: Size,
  teacher: Teacher | undefined,
): {
  readonly inputSize: [number, number];
  readonly tiles: Tiling | null;
  readonly resize: DetectorDescription['resize'];
  readonly ignored: Uint8Array | null;
  readonly cover: DetectorDescription['cover'];
} {
  const inputSize: [number, number] = [height, width];
  const fit = given.fit ?? TRAINING_DEFAULTS.fit;
  const [red, green, blue] = given.fill ?? TRAINING_DEFAULTS.fill;
  const { tiles } = given;
  const tiling = tiles ? { size: tiles.size, overlap: tiles.overlap ?? defaultOverlap(tiles.size) } : null;
  if (tiling) assertTiling(tiling, inputSize, teacher?.extractor);
  const ignored = given.ignored ? ignoredAtNetworkSize(given.ignored, { inputSize, fit }) : null;
  return {
    inputSize,
    tiles: tiling,
    resize: {
      fit,
      filter: 'bilinear-antialiased',
      fill: fit === 'letterbox' ? [red, green, blue] : null,
    },
    ignored,
    cover: ignored ? [red, green, blue] : undefined,
  };
}

/** @throws {DskdError} `invalid-argument` */
function assertSize(size: unknown): Size | undefined {
  if (size === undefined) return undefined;
  const sides: readonly unknown[] = Array.isArray(size) ? size : [];
  if (sides.length === 2 && sides.every((side) => Number.isInteger(side) && (side as number) > 0)) {
    return size as Size;
  }
  throw new DskdError(
    'invalid-argument',
    `Got ${Array.isArray(size) ? JSON.stringify(size) : describeValue(size)} as input.size; wanted [height, width].`,
    { hint: 'Whole pixels, for example [256, 256].' },
  );
}

/** Shorter side, in pixels, below which an image cannot show a part: an icon, or a file that broke. */
const LEAST_SIDE = 8;

/**
 * Makes every choice of a training, once.
 * @throws {DskdError} `invalid-argument` (no such method, a teacher without a SHA-256, no teacher where one is needed),
 * `invalid-config` (the method's options, the tiles, thumbnails), `dataset-invalid` (too few images), and for the
 * ignore mask `input-size-mismatch`, `shape-mismatch`.
 */
export async function resolveTrainingOptions(given: TrainDetectorOptions): Promise<ResolvedTraining> {
  assertSource((given as Partial<TrainDetectorOptions> | undefined)?.source, 'source of a training');
  const name = given.method ?? TRAINING_DEFAULTS.method;
  const plain = await createMethod(name);
  const teacher = teacherFor(plain, given.teacher);
  const options = checkMethodOptions(plain, given.options ?? {});
  const size = assertSize(given.input?.size) ?? (await defaultInputSize(given.source, plain));
  const { inputSize, tiles, resize, ignored, cover } = resolveInput(given.input ?? {}, size, teacher);
  const method = await createMethod(name, tiles);
  const thumbnails = resolveThumbnails(given.thumbnails, inputSize, method, options);
  const augmentation = given.input?.augmentation;
  const input: ResolvedTraining['input'] = {
    teacher: teacher ? describeTeacher(teacher) : null,
    inputSize,
    tiles,
    resize,
    ignored: ignored !== null,
    ...(cover && { cover }),
  };
  const calibration = resolveCalibration(given.calibration ?? {}, input, method, options);
  const { holdOutFraction, onTrainingImages, statisticsOn, falseAlarmRate } = calibration;
  const seed = given.seed ?? TRAINING_DEFAULTS.seed;
  const copies = copiesFor(method, {
    copies: given.input?.copies,
    augmented: augmentation !== undefined,
  });
  const chosen = chooseImages(given.source, {
    holdOutFraction,
    onTrainingImages,
    oneWillDo: copies > 0,
    seed,
  });
  const intensityRange = await resolveIntensityRange(
    given.input?.intensityRange,
    chosen.training,
    given.signal,
  );
  const images = chosen.training.length;
  const varied = augmentation ? asJson(augmentation) : null;
  const split = { holdOutFraction, calibrateOnTraining: onTrainingImages };
  return {
    source: given.source,
    chosen,
    testImages: given.testImages ?? [],
    copies,
    preparation: {
      ...preparationOf({ ...input, intensityRange }, ignored),
      leastSide: LEAST_SIDE,
      ...(augmentation && { augment: { augmentation, seed } }),
    },
    fitting: {
      method,
      options,
      plan: {
        images: images * (1 + copies),
        inputSize,
        teacher,
        seed,
        imagesChange: augmentation !== undefined && copies === 0,
        execution: given.execution ?? {},
      },
      run: asJson({
        inputSize,
        ...(tiles && { tiles }),
        teacher: teacher?.sha256 ?? null,
        dataFingerprint: '',
        resize,
        ...(ignored && {
          covered: {
            color: cover,
            pixels: await digestOfPixels({
              data: ignored,
              width: inputSize[1],
              height: inputSize[0],
              channels: 1,
            }),
          },
        }),
        ...(intensityRange && { intensityRange }),
        augmentation: varied,
        ...(copies > 0 && { copies }),
        ...split,
      }),
    },
    progress: {
      checkpoint: given.checkpoint,
      resumeFrom: given.resumeFrom,
      onEvent: given.onEvent,
      signal: given.signal,
    },
    calibration: {
      fusion: {
        sigma: calibration.sigma,
        normalization: calibration.normalization,
        rule: calibration.fusion,
        weights: { ...calibration.weights },
      },
      statisticsOn,
      falseAlarmRate,
    },
    ignored,
    thumbnails,
    input: { ...input, ...(intensityRange && { intensityRange }) },
    record: {
      seed,
      images,
      dataFingerprint: '',
      augmentation: varied,
      options: {
        ...asJson(given.recorded ?? {}),
        ...split,
        ...(copies > 0 && { copies }),
        statisticsOn,
        falseAlarmRate,
      },
    },
  };
}
