import { DskdError } from '@dskd/base';
import type { FeatureLevel } from '@dskd/core';
import type { MapShape } from '../layers/network-plan.js';

export type StudentPreset = 'paper' | 'lite' | 'nano';
export type StudentBranch = 'local' | 'global';
/** How the GCCB condenses a map to one vector and restores it; 'none' leaves it out. */
export type GccbVariant = 'full' | 'depthwise' | 'pool' | 'pyramid' | 'none';

/** Everything that a preset determines. Lists are from the shallow to the deep level unless stated otherwise. */
export interface StudentArchitecture {
  readonly block: 'basic' | 'bottleneck';
  /** Inner width of a bottleneck block divided by its outputs: 1/2 in Wide-ResNet-50-2, 1/4 in ResNet-50. */
  readonly innerRatio: number;
  /** Channels of the decoder's stages. */
  readonly decoderWidths: readonly number[];
  /** Blocks of the decoder's stages, deep to shallow. */
  readonly decoderBlocks: readonly number[];
  /** Whether a 1x1 convolution with bias from each stage gives the teacher's channels. */
  readonly heads: boolean;
  /** Multi-scale fusion: channels of a path at level 2, 3, ... */
  readonly fusionWidths: readonly number[];
  /** Channels of phi, the embedding that the decoder takes. */
  readonly phiChannels: number;
  /** Residual blocks of the bottleneck; the first has stride 2. */
  readonly bottleneckBlocks: number;
  readonly gccb: { readonly variant: GccbVariant; readonly channels: number };
}

/** Widths for `count` levels: `deepest` for the last, half of it for the level before, and so on. */
function halving(deepest: number, count: number): number[] {
  return Array.from({ length: count }, (_, level) => deepest / 2 ** (count - 1 - level));
}

/**
 * Returns the architecture of `preset` for a teacher with these levels.
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
  /** The teacher's levels, from shallow to deep. */
  readonly levels: readonly FeatureLevel[];
  /** `[height, width]` in pixels. The student works for this size only. */
  readonly inputSize: readonly [number, number];
  /** `[height, width]` of the map of each level. Default `ceil(inputSize / stride)`. */
  readonly mapSizes?: readonly (readonly [number, number])[];
  /** Seed of the initial weights. Default 0. */
  readonly seed?: number;
  /** Global context condensing block, for the global branch only. Default: that of the preset. */
  readonly gccb?: { readonly variant?: GccbVariant; readonly channels?: number };
  /** Replaces parts of the architecture of the preset. */
  readonly architecture?: Partial<StudentArchitecture>;
}

/** {@link StudentOptions} with all defaults filled in. JSON-serializable; makes the same student again. */
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

/** For each level but the last: whether the next level's map has half its sides. */
export function halvingsOf(levels: readonly FeatureLevel[]): boolean[] {
  return levels.slice(1).map((level, index) => level.stride === 2 * levels[index]!.stride);
}

/** Returns `[height, width, channels]` of each level. */
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
          `The maps of levels '${levels[index]!.name}' and '${levels[index + 1]!.name}' are ${shallow.join('x')} and ${deep.join('x')}, which does not match their strides.`,
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
