import { DskdError } from '@dskd/base';
import type { FeatureLevel } from '@dskd/core';
import type { MapShape } from '../layers/network-plan.js';

export type StudentPreset = 'paper' | 'lite' | 'nano';
export type StudentBranch = 'local' | 'global';
/** How the global bottleneck condenses a map to one vector and restores it; 'none' leaves it as it is. */
export type GccbVariant = 'full' | 'depthwise' | 'pool' | 'pyramid' | 'none';

/** Everything that a preset decides. Lists run from the shallow to the deep level unless said otherwise. */
export interface StudentArchitecture {
  readonly block: 'basic' | 'bottleneck';
  /** Inner width of a bottleneck block over its outputs: 1/2 in Wide-ResNet-50-2, 1/4 in ResNet-50. */
  readonly innerRatio: number;
  /** Channels of the decoder's stages. */
  readonly decoderWidths: readonly number[];
  /** Blocks of the decoder's stages, deep to shallow. */
  readonly decoderBlocks: readonly number[];
  /** Whether a 1x1 convolution with bias leads from each stage to the teacher's channels. */
  readonly heads: boolean;
  /** Multi-scale fusion: channels of a path where it lands on level 2, 3, ... */
  readonly fusionWidths: readonly number[];
  /** Channels of phi, what the bottleneck hands to the decoder. */
  readonly phiChannels: number;
  /** Residual blocks of the bottleneck; the first has stride 2. */
  readonly bottleneckBlocks: number;
  readonly gccb: { readonly variant: GccbVariant; readonly channels: number };
}

/** Widths that end with `deepest` and halve with each shallower level. */
function halving(deepest: number, count: number): number[] {
  return Array.from({ length: count }, (_, level) => deepest / 2 ** (count - 1 - level));
}

/**
 * What `preset` means for a teacher with these levels.
 * - `paper`: bottleneck blocks of the teacher's widths (RD4AD's decoder and fusion), 3, 4, 6 blocks.
 * - `lite`: basic blocks of 64, 128, 256 channels, 2, 2, 2 blocks, heads.
 * - `nano`: basic blocks of 32, 64, 128 channels, 1, 1, 1 blocks, heads.
 */
export function presetArchitecture(
  preset: StudentPreset,
  levels: readonly FeatureLevel[],
): StudentArchitecture {
  const channels = levels.map((level) => level.channels);
  const deepest = channels.at(-1)!;
  if (preset === 'paper') {
    return {
      block: 'bottleneck',
      innerRatio: 1 / 2,
      decoderWidths: channels,
      decoderBlocks: [3, 4, 6],
      heads: false,
      fusionWidths: channels.slice(1),
      phiChannels: 2 * deepest,
      bottleneckBlocks: 3,
      gccb: { variant: 'full', channels: 1024 },
    };
  }
  const basic = {
    block: 'basic',
    innerRatio: 1,
    heads: true,
  } as const;
  if (preset === 'lite') {
    return {
      ...basic,
      decoderWidths: halving(256, levels.length),
      decoderBlocks: [2, 2, 2],
      fusionWidths: halving(128, levels.length).slice(1),
      phiChannels: 512,
      bottleneckBlocks: 2,
      gccb: { variant: 'full', channels: 256 },
    };
  }
  if ((preset as string) !== 'nano') {
    throw new DskdError(
      'invalid-config',
      `Got the preset '${preset as string}', wanted paper, lite or nano.`,
    );
  }
  return {
    ...basic,
    decoderWidths: halving(128, levels.length),
    decoderBlocks: [1, 1, 1],
    fusionWidths: halving(64, levels.length).slice(1),
    phiChannels: 256,
    bottleneckBlocks: 1,
    gccb: { variant: 'full', channels: 64 },
  };
}

export interface StudentOptions {
  readonly preset: StudentPreset;
  readonly branch: StudentBranch;
  /** The teacher's levels, shallow to deep. */
  readonly levels: readonly FeatureLevel[];
  /** Pixels, `[height, width]`. The network belongs to this size. */
  readonly inputSize: readonly [number, number];
  /** `[height, width]` of each level's map, where it is not `ceil(inputSize / stride)`. */
  readonly mapSizes?: readonly (readonly [number, number])[];
  /** Of the initial weights. 0 by default. */
  readonly seed?: number;
  /** Of the global branch only; the preset's where left out. */
  readonly gccb?: { readonly variant?: GccbVariant; readonly channels?: number };
  /** Replaces parts of what the preset decides. */
  readonly architecture?: Partial<StudentArchitecture>;
}

/** {@link StudentOptions} with every choice made; JSON-serializable; makes the same student again. */
export interface StudentConfig {
  readonly preset: StudentPreset;
  readonly branch: StudentBranch;
  readonly levels: readonly FeatureLevel[];
  readonly inputSize: readonly [number, number];
  readonly mapSizes: readonly (readonly [number, number])[];
  readonly seed: number;
  readonly architecture: StudentArchitecture;
}

function invalid(message: string, hint?: string): DskdError {
  return new DskdError('invalid-config', message, hint === undefined ? {} : { hint });
}

function checkLevels(levels: readonly FeatureLevel[]): void {
  if (levels.length === 0) throw invalid('Got no feature levels, wanted at least one.');
  for (const [index, { name, stride }] of levels.entries()) {
    if (index === 0) continue;
    const previous = levels[index - 1]!;
    const ratio = stride / previous.stride;
    if (ratio !== 1 && ratio !== 2) {
      throw invalid(
        `Levels '${previous.name}' and '${name}' have strides ${previous.stride} and ${stride}, wanted a ratio of 1 or 2.`,
        'Choose neighboring levels of the backbone, shallow to deep.',
      );
    }
  }
}

/** Whether the map gets half as large from each level to the next. */
export function halvingsOf(levels: readonly FeatureLevel[]): boolean[] {
  return levels.slice(1).map((level, index) => level.stride === 2 * levels[index]!.stride);
}

/** `[height, width, channels]` of each level. */
export function mapShapesOf({ levels, mapSizes }: Pick<StudentConfig, 'levels' | 'mapSizes'>): MapShape[] {
  return levels.map((level, index) => [...mapSizes[index]!, level.channels]);
}

function checkMapSizes(levels: readonly FeatureLevel[], sizes: StudentConfig['mapSizes']): void {
  if (sizes.length !== levels.length) {
    throw invalid(`Got ${sizes.length} map sizes for ${levels.length} levels.`);
  }
  for (const [index, halves] of halvingsOf(levels).entries()) {
    const [shallow, deep] = [sizes[index]!, sizes[index + 1]!];
    for (const axis of [0, 1] as const) {
      const slack = Math.abs(shallow[axis] - deep[axis] * (halves ? 2 : 1));
      if (slack > (halves ? 1 : 0)) {
        throw invalid(
          `The maps of levels '${levels[index]!.name}' and '${levels[index + 1]!.name}' are ${shallow.join('x')} and ${deep.join('x')}, which their strides do not explain.`,
        );
      }
    }
  }
}

/** @throws {DskdError} `invalid-config` */
export function resolveStudentConfig(options: StudentOptions): StudentConfig {
  const { preset, branch, inputSize, seed = 0 } = options;
  const levels = options.levels.map(({ name, channels, stride }) => ({ name, channels, stride }));
  checkLevels(levels);
  if ((branch as string) !== 'local' && (branch as string) !== 'global') {
    throw invalid(`Got the branch '${branch as string}', wanted local or global.`);
  }
  if (branch === 'local' && options.gccb) {
    throw invalid('Got gccb options for the local branch, which has no GCCB.');
  }
  if (!inputSize.every((side) => Number.isInteger(side) && side > 0)) {
    throw invalid(`Got the input size ${inputSize.join('x')}, wanted two positive integers.`);
  }
  const [height, width] = inputSize;
  const mapSizes =
    options.mapSizes?.map(([rows, columns]) => [rows, columns] as const) ??
    levels.map(({ stride }) => [Math.ceil(height / stride), Math.ceil(width / stride)] as const);
  checkMapSizes(levels, mapSizes);
  const base = { ...presetArchitecture(preset, levels), ...options.architecture };
  const architecture = { ...base, gccb: { ...base.gccb, ...options.gccb } };
  if (architecture.decoderWidths.length !== levels.length) {
    throw invalid(`Got ${architecture.decoderWidths.length} decoder widths for ${levels.length} levels.`);
  }
  if (architecture.fusionWidths.length !== levels.length - 1) {
    throw invalid(
      `Got ${architecture.fusionWidths.length} fusion widths, wanted ${levels.length - 1}: one per level but the first.`,
    );
  }
  return { preset, branch, levels, inputSize: [height, width], mapSizes, seed, architecture };
}

/**
 * A student of the same blocks on the same maps with every width divided by `factor`: a small share of the
 * memory and about 1 / factor^2 of the multiply-adds. Its outputs keep the teacher's channels by heads (1x1
 * convolutions), so that an objective sees what it would see. For measuring what the whole one would cost.
 */
export function narrowStudent(options: StudentOptions, factor: number): StudentOptions {
  const base = { ...presetArchitecture(options.preset, options.levels), ...options.architecture };
  const narrow = (width: number): number => Math.max(1, Math.round(width / factor));
  const gccb = { ...base.gccb, ...options.gccb };
  return {
    ...options,
    gccb: undefined,
    architecture: {
      ...base,
      heads: true,
      decoderWidths: base.decoderWidths.map(narrow),
      fusionWidths: base.fusionWidths.map(narrow),
      phiChannels: narrow(base.phiChannels),
      gccb: { ...gccb, channels: narrow(gccb.channels) },
    },
  };
}
