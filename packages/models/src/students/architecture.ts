import { DskdError } from '@dskd/base';
import type { FeatureLevel } from '@dskd/core';

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
