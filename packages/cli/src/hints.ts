import type { DskdError, ErrorCode } from '@dskd/base';
import { shellQuote } from './output/shell-quote.js';

type Details = Readonly<Record<string, unknown>>;

/** One way to make a training fit, as `details.alternatives` of an `out-of-memory` error lists them. */
interface Alternative {
  readonly kind: string;
  readonly value?: unknown;
}

/** Text for each kind of alternative, with options of the command line. */
const ALTERNATIVES: Readonly<Record<string, (value: unknown) => string>> = {
  preset: (preset) => `--preset ${String(preset)}`,
  'branches-apart': (branches) => {
    const names = Array.isArray(branches) ? branches : ['local', 'global'];
    return `the students apart (${names.map((name) => `--student ${name}`).join(' and ')}, then dskd combine)`;
  },
  'worker-threads': () => 'a thread for each student (without --no-workers)',
  'gccb-channels': (channels) => `--gccb-channels ${String(channels)}`,
  'batch-size': (images) => `--batch-size ${String(images)}`,
  'input-size': (size) => `--size ${sizeText(size)}`,
  'method-options': (options) => `--method-options '${JSON.stringify(options)}'`,
  backend: (backend) => `--backend ${String(backend)}`,
};

/** `256`, or `320x192` if height and width differ. */
function sizeText(size: unknown): string {
  if (!Array.isArray(size)) return String(size);
  const [height, width] = size as readonly unknown[];
  return height === width ? String(height) : `${String(height)}x${String(width)}`;
}

function outOfMemoryHint({ alternatives, heapBytes }: Details): string | undefined {
  if (Array.isArray(alternatives)) {
    const words = (alternatives as readonly Alternative[]).flatMap(({ kind, value }) =>
      Object.hasOwn(ALTERNATIVES, kind) ? [ALTERNATIVES[kind]!(value)] : [],
    );
    if (words.length > 0) return `These would fit: ${words.join('; or ')}.`;
    return 'Nothing smaller fits either: use a machine with more memory.';
  }
  if (heapBytes === undefined) return undefined;
  return 'Use a smaller --preset, --size or --batch-size, train one --student at a time, or use --backend webgpu.';
}

function teacherMismatchHint({ wanted, got }: Details): string | undefined {
  if (typeof wanted !== 'string') return undefined;
  return got === undefined
    ? 'Give the weight file of the teacher: --weights FILE.'
    : 'Give the weight file that the model was trained with: --weights FILE.';
}

/** Hints for files of the wrong kind, by the kind that was expected. */
const FILES: Readonly<Record<string, string>> = {
  detector: 'Give a file that dskd train wrote. The weights of a teacher belong to --weights.',
  checkpoint: 'Give a file that dskd train --checkpoint FILE wrote.',
  'distilled-teacher': 'Give a file that dskd distill-teacher wrote.',
};

function wrongFileHint({ wanted }: Details): string | undefined {
  return typeof wanted === 'string' && Object.hasOwn(FILES, wanted) ? FILES[wanted] : undefined;
}

function instabilityHint({ student, what }: Details): string | undefined {
  if (typeof what === 'string' && what.startsWith('teacher')) return undefined;
  if (student !== 'local' && student !== 'global') return undefined;
  return `Lower the learning rate of this student: --${student}-learning-rate.`;
}

/** For a checkpoint, whose state dict is inside of an entry. */
function checkpointHint({ unwrap }: Details): string | undefined {
  const write = 'Write its tensors as safetensors: dskd weights convert CHECKPOINT WEIGHTS.safetensors';
  if (unwrap === true) return `${write} --unwrap.`;
  return typeof unwrap === 'string' ? `${write} --entry ${shellQuote([unwrap])}.` : undefined;
}

/** For weights that are not those of the named teacher. `dskd weights convert` says itself what they fit. */
function weightsMismatchHint({ problems, fits }: Details): string | undefined {
  if (!Array.isArray(problems) || fits !== undefined) return undefined;
  return 'Name the backbone of the weights with --teacher. dskd weights info FILE prints the backbones that a file fits.';
}

/** For a method that cannot be calibrated on the images it was fitted on, for altered copies and for thumbnails. */
function configHint({
  method,
  calibration,
  copies,
  looksOnce,
  thumbnails,
  keepsPatches,
}: Details): string | undefined {
  if (copies !== undefined && looksOnce === true)
    return 'Say how they are altered: --augment gcad, or a JSON file.';
  if (copies !== undefined && looksOnce === false) return 'Leave out --copies.';
  if (thumbnails !== undefined && keepsPatches === false)
    return 'Leave out --thumbnails, or use a method that keeps patches: --method instant or patchcore.';
  if (typeof method !== 'string' || calibration !== 'training') return undefined;
  return `Leave out --calibrate-on-training and --statistics-on, or train the paper's students: --method dskd.`;
}

/** For a dataset without test images, and for images in several folders, some of which may show bad parts. */
function datasetHint({ missing, choose, root }: Details): string | undefined {
  if (missing === 'test') {
    return (
      'Name the folders of test images: --good DIR... --bad DIR..., and --masks DIR if there are masks. ' +
      'The layouts of MVTec AD, MVTec LOCO AD and BTAD have them in test, a manifest in rows with the split test. ' +
      'dskd check DIR prints what was found.'
    );
  }
  if (!Array.isArray(choose) || typeof root !== 'string') return undefined;
  return (
    'Name the folders of good parts, --good DIR..., and if there are any those of bad parts and their masks, ' +
    `--bad DIR... --masks DIR...; if all images show good parts: --good ${shellQuote([root])}.`
  );
}

/** Hints of the command line by error code. Undefined if the details are not sufficient. */
const HINTS: Readonly<Partial<Record<ErrorCode, (details: Details) => string | undefined>>> = {
  'out-of-memory': outOfMemoryHint,
  'teacher-mismatch': teacherMismatchHint,
  'weights-mismatch': weightsMismatchHint,
  'weights-invalid': checkpointHint,
  'artifact-invalid': wrongFileHint,
  'file-not-found': ({ teacher }) =>
    teacher === undefined
      ? undefined
      : 'dskd weights list lists the weights that dskd weights pull downloads.',
  'dataset-invalid': datasetHint,
  'invalid-argument': ({ overwrite }) =>
    overwrite === false ? 'Choose another folder, or replace an earlier dataset with --force.' : undefined,
  'numerical-instability': instabilityHint,
  'invalid-config': configHint,
};

/**
 * The hint of an error for the command line. Hints of libraries refer to the API; where possible they are replaced by
 * hints that name flags and commands.
 */
export function hintOf({ code, details, hint }: DskdError): string | undefined {
  return HINTS[code]?.(details) ?? hint;
}
