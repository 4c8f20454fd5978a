import { DskdError } from '@dskd/base';
import type { FeatureLevel } from '@dskd/core';
import type { MapShape } from '../layers/network-plan.js';
import {
  presetArchitecture,
  type GccbVariant,
  type StudentArchitecture,
  type StudentBranch,
  type StudentPreset,
} from './architecture.js';

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
