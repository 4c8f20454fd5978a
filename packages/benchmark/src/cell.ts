import { createHash } from 'node:crypto';
import type { BranchOptions } from '@dskd/methods';
import { backboneInfo, type BackboneName } from '@dskd/models';
import type { ObjectiveName, Settings } from './config.js';
import type { MethodChoice, StudentChoice } from './tables/definition.js';

/** Facts of every cell. */
interface CommonFacts {
  /** Increased when the same facts would give a different detector or a different file. */
  readonly format: 1;
  readonly category: string;
  /** Fingerprint of the category's images. */
  readonly dataFingerprint: string;
  readonly seed: number;
  readonly inputSize: readonly [number, number];
  readonly backend: string;
  /** Versions of the packages that affect the result. */
  readonly versions: Readonly<Record<string, string>>;
}

/** How images are prepared, and what a detector is calibrated on. */
type Calibration = Pick<
  Settings,
  'fit' | 'augment' | 'holdOut' | 'calibrateOnTraining' | 'statisticsOn' | 'sigma'
>;

/** Everything that determines a trained student. Its hash is the identity of the cell. Plain JSON. */
export interface StudentFacts extends CommonFacts {
  readonly teacher: { readonly name: string; readonly sha256: string };
  readonly branch: BranchOptions['branch'];
  readonly objective: { readonly name: ObjectiveName; readonly temperature?: number };
  readonly learningRate: number;
  /** For global students only. */
  readonly gccb?: { readonly variant: Settings['gccb']; readonly channels?: number };
  /** For global students only. */
  readonly initialize?: Settings['initializeGlobal'];
  readonly training: Calibration & Pick<Settings, 'preset' | 'epochs' | 'batchSize' | 'reestimateBatchNorm'>;
}

/** Everything that determines a detector of another method. Plain JSON. */
export interface MethodFacts extends CommonFacts {
  readonly method: string;
  readonly profile: string;
  /** Null for a method without one. */
  readonly teacher: { readonly name: string; readonly sha256: string } | null;
  readonly training: Calibration;
}

interface CellOf<Facts> {
  readonly id: string;
  readonly facts: Facts;
  /** Weight file of its teacher; null without one. */
  readonly teacherFile: string | null;
}

/** One trained student of the paper's method. */
export type StudentCell = CellOf<StudentFacts>;
/** One fitted detector of another method. */
export type MethodCell = CellOf<MethodFacts>;
/** What a grid trains and keeps as one file. */
export type Cell = StudentCell | MethodCell;

export function isMethodCell(cell: Cell): cell is MethodCell {
  return 'method' in cell.facts;
}

/** Facts that all cells of one category and seed share. */
export interface CellSurroundings {
  readonly category: string;
  readonly dataFingerprint: string;
  readonly seed: number;
  readonly teacher: TeacherFile;
  readonly backend: string;
  readonly versions: Readonly<Record<string, string>>;
}

const PHI: Readonly<Record<Settings['preset'], (deepest: number) => number>> = {
  nano: () => 256,
  lite: () => 512,
  paper: (deepest) => 2 * deepest,
};

/** Number of input channels of the condensing block. */
function phiChannels(preset: Settings['preset'], teacher: TeacherFile): number {
  return PHI[preset](backboneInfo(teacher.name).levels.at(-1)!.channels);
}

function gccbOf(
  settings: Settings,
  share: number | undefined,
  teacher: TeacherFile,
): NonNullable<StudentFacts['gccb']> {
  const { gccb: variant } = settings;
  if (variant === 'none') return { variant };
  const channels =
    share === undefined ? settings.gccbChannels : Math.round(share * phiChannels(settings.preset, teacher));
  return { variant, ...(channels !== undefined && { channels }) };
}

const DEFAULT_RATE: Readonly<Record<ObjectiveName, number>> = {
  flattenedCosine: 0.005,
  perPixelCosine: 0.005,
  contextualAffinity: 0.001,
  covarianceAffinity: 0.001,
};

function commonFacts({ size }: Settings, around: CellSurroundings): CommonFacts {
  const { category, dataFingerprint, seed, backend, versions } = around;
  const inputSize = typeof size === 'number' ? ([size, size] as const) : size;
  return { format: 1, category, dataFingerprint, seed, inputSize, backend, versions };
}

function calibrationOf(settings: Settings): Calibration {
  const { fit, augment, holdOut, calibrateOnTraining, statisticsOn, sigma } = settings;
  return {
    fit,
    augment,
    holdOut,
    calibrateOnTraining,
    statisticsOn,
    ...(sigma !== undefined && { sigma }),
  };
}

/**
 * Makes the cell of a student of a table row under the given settings. Settings that do not affect the student are
 * left out of its facts.
 */
export function studentCell(choice: StudentChoice, given: Settings, around: CellSurroundings): StudentCell {
  const { gccbShare, ...change } = choice.change ?? {};
  const settings: Settings = { ...given, ...change };
  const isGlobal = choice.branch === 'global';
  const name = isGlobal ? settings.globalObjective : settings.localObjective;
  const rate = isGlobal ? settings.globalLearningRate : settings.localLearningRate;
  const { preset, epochs, batchSize, reestimateBatchNorm } = settings;
  const { teacher } = around;
  const facts: StudentFacts = {
    ...commonFacts(settings, around),
    teacher: { name: teacher.name, sha256: teacher.sha256 },
    branch: choice.branch,
    objective: { name, ...(name === 'contextualAffinity' && { temperature: settings.temperature }) },
    learningRate: rate ?? DEFAULT_RATE[name],
    ...(isGlobal && { gccb: gccbOf(settings, gccbShare, teacher), initialize: settings.initializeGlobal }),
    training: { ...calibrationOf(settings), preset, epochs, batchSize, reestimateBatchNorm },
  };
  return { id: identityOf(facts), facts, teacherFile: teacher.file };
}

/**
 * Methods that GCAD's authors trained on augmented images (Bergmann et al., IJCV 2022, Sec. 5.2), whose numbers the paper's tables
 * have. The others see images as they are.
 */
const AUGMENTED = ['ae', 'ae-ssim', 'vae', 'mnad', 'fanogan', 'gcad'];

/** Makes the cell of a method under the given settings. */
export function methodCell(
  { name: method, profile, teacher: needsTeacher }: MethodChoice,
  settings: Settings,
  around: CellSurroundings,
): MethodCell {
  const { teacher } = around;
  const training = calibrationOf(settings);
  const facts: MethodFacts = {
    ...commonFacts(settings, around),
    method,
    profile,
    teacher: needsTeacher ? { name: teacher.name, sha256: teacher.sha256 } : null,
    training: { ...training, augment: AUGMENTED.includes(method) ? training.augment : 'none' },
  };
  return { id: identityOf(facts), facts, teacherFile: needsTeacher ? teacher.file : null };
}

/** Name of the cell's branch in its detector: unique, with the kind of student. */
export function branchName({ id, facts }: StudentCell): string {
  return `${facts.branch}-${id.slice(0, 12)}`;
}

/**
 * Key of students that can score an image together: same category, data, seed, teacher, input size, fit, smoothing
 * and normalization. A detector of another method scores alone.
 */
export function groupKey(cell: Cell): string {
  if (isMethodCell(cell)) return cell.id;
  const { facts } = cell;
  const { category, dataFingerprint, seed, teacher, inputSize, training } = facts;
  const { fit, sigma, statisticsOn, holdOut, calibrateOnTraining } = training;
  return identityOf({
    category,
    dataFingerprint,
    seed,
    teacher,
    inputSize,
    fit,
    sigma,
    statisticsOn,
    holdOut,
    calibrateOnTraining,
  });
}

/** Short description of a cell, for messages. */
export function describeCell(cell: Cell): string {
  if (isMethodCell(cell)) {
    const { category, seed, method, profile } = cell.facts;
    return `${category}, seed ${seed}: ${method} (${profile})`;
  }
  const { facts } = cell;
  const { category, seed, branch, objective, gccb, training } = facts;
  const temperature = objective.temperature === undefined ? '' : ` T=${objective.temperature}`;
  const g = gccb?.channels === undefined ? '' : ` g=${gccb.channels}`;
  return `${category}, seed ${seed}: ${training.preset} ${branch}, ${objective.name}${temperature}${g}`;
}

/** Weight file of a teacher on this machine. */
export interface TeacherFile {
  readonly name: BackboneName;
  readonly file: string;
  /** SHA-256 of the file, hexadecimal. */
  readonly sha256: string;
}

/** Images of one category on this machine. */
export interface CategoryFacts {
  readonly name: string;
  /** Folder of the category. */
  readonly root: string;
  /** For MVTec AD: path of the list of logical images. */
  readonly subsets?: string;
  readonly fingerprint: string;
  /** Number of good training images (some may be held out) and of test images. */
  readonly images: { readonly train: number; readonly test: number };
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/** JSON with sorted keys and without undefined values: equal facts give equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: Json | undefined) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** Hash of the facts that determine a result: the first 24 hexadecimal digits of SHA-256. */
export function identityOf(facts: unknown): string {
  return createHash('sha256').update(canonicalJson(facts)).digest('hex').slice(0, 24);
}
