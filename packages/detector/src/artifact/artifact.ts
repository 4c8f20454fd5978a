import { DskdError } from '@dskd/base';
import {
  readSafetensors,
  tensorFiles,
  writeSafetensors,
  type StateDict,
  type StateDictEntry,
} from '@dskd/weights';
import { descriptionSchema, FORMAT_VERSION, type DetectorDescription } from './description.js';
import { migrateDescription, migrateTensors, OLDEST_FORMAT } from './migrations.js';

/** The safetensors metadata entry that holds the description. */
const METADATA_KEY = 'dskd';

export interface Artifact {
  readonly description: DetectorDescription;
  /** `teacher.*` (where embedded), `<method>.*` (as the method names them), `ignored` and `thumbnails` (where used). */
  readonly tensors: StateDict;
}

function mismatch(message: string, names: readonly string[]): DskdError {
  return new DskdError('weights-mismatch', `${message}: ${tensorFiles.namesInWords(names)}.`, {
    hint: 'The file was put together by something else, or damaged: get it again, or train again.',
    details: { tensors: names },
  });
}

function assertIgnored(
  { inputSize }: Pick<DetectorDescription, 'inputSize'>,
  { dtype, shape, data }: StateDictEntry,
): void {
  if (shape.join() !== inputSize.join()) {
    throw new DskdError(
      'input-size-mismatch',
      `The detector's ignore mask is [${shape.join(', ')}]; wanted its input size [${inputSize.join(', ')}].`,
      { details: { got: shape, wanted: inputSize } },
    );
  }
  if (dtype !== 'U8' || (data as Uint8Array).some((value) => value > 1)) {
    throw mismatch('Wanted bytes 0 and 1 in', ['ignored']);
  }
}

/** One thumbnail of each image of the fit, whose names are there: once, or again for each of its altered copies. */
function assertThumbnails(
  { trainingImages = [], trainings }: Pick<DetectorDescription, 'trainingImages' | 'trainings'>,
  { height, width }: NonNullable<DetectorDescription['thumbnails']>,
  { dtype, shape }: StateDictEntry,
): void {
  const { images } = trainings[0]!;
  const wanted = [images, height, width, 3];
  if (dtype !== 'U8' || shape.join() !== wanted.join()) {
    throw mismatch(`Got ${dtype} [${shape.join(', ')}], wanted U8 [${wanted.join(', ')}] in`, ['thumbnails']);
  }
  const names = trainingImages.length;
  if (names > 0 && names % images === 0) return;
  throw mismatch(`Got the names of ${names} images of the fit, wanted those of ${images}, which are in`, [
    'thumbnails',
  ]);
}

/**
 * Checks what can be told without knowing the method: that the file holds the tensors its description speaks of, no
 * others, in the element types it says, and only finite numbers.
 * @throws {DskdError} `weights-mismatch`, `input-size-mismatch`, `weights-not-finite`
 */
function assertTensorsFit({ method, ...description }: DetectorDescription, tensors: StateDict): void {
  const names = [...tensors.keys()];
  const embedded = description.teacher?.embedded === true;
  const belongs = (name: string): boolean =>
    name.startsWith(`${method}.`) ||
    (embedded && name.startsWith('teacher.')) ||
    (description.ignored && name === 'ignored') ||
    (description.thumbnails !== undefined && name === 'thumbnails');
  const extra = names.filter((name) => !belongs(name));
  if (extra.length > 0) throw mismatch('The file holds tensors its description does not speak of', extra);
  const missing = embedded && !names.some((name) => name.startsWith('teacher.')) ? ['teacher.*'] : [];
  const ignored = tensors.get('ignored');
  if (description.ignored && !ignored) missing.push('ignored');
  const thumbnails = tensors.get('thumbnails');
  if (description.thumbnails && !thumbnails) missing.push('thumbnails');
  if (missing.length > 0) throw mismatch('The file lacks tensors its description speaks of', missing);
  if (ignored) assertIgnored(description, ignored);
  if (thumbnails && description.thumbnails) {
    assertThumbnails(description, description.thumbnails, thumbnails);
  }

  const odd = [...tensors].filter(([name, { dtype }]) => name.startsWith(`${method}.`) && dtype === 'F16');
  if (description.storage === 'float32' && odd.length > 0) {
    throw mismatch(
      'Wanted no float16 in a file that says it stores float32; float16 are',
      odd.map(([name]) => name),
    );
  }
  tensorFiles.assertFinite(tensors);
}

/**
 * The artifact as the bytes of one `.safetensors` file.
 * @throws {DskdError} as {@link readArtifact}: what could not be read is not written.
 */
export function writeArtifact({ description, tensors }: Artifact): Uint8Array {
  const checked = tensorFiles.checkMetadata(descriptionSchema, description, 'detector');
  assertTensorsFit(checked, tensors);
  return writeSafetensors(tensors, { [METADATA_KEY]: JSON.stringify(checked) });
}

/** @throws {DskdError} `artifact-version`, `artifact-outdated` */
function assertKnownFormat(format: unknown): void {
  if (typeof format !== 'number') return;
  const got = `The detector has format ${format}; this version of dskd reads formats ${OLDEST_FORMAT} to ${FORMAT_VERSION}.`;
  const details = { got: format, oldest: OLDEST_FORMAT, newest: FORMAT_VERSION };
  if (format > FORMAT_VERSION) {
    throw new DskdError('artifact-version', got, {
      hint: 'The file is from a newer dskd: update this one.',
      details,
    });
  }
  if (format < OLDEST_FORMAT) {
    throw new DskdError('artifact-outdated', got, {
      hint: 'No released version wrote that format: the file is damaged, or from before the first release.',
      details,
    });
  }
}

/** The text of a description. @throws {DskdError} `artifact-invalid` */
function textIn({ [METADATA_KEY]: text }: Readonly<Record<string, string>>): string {
  if (text !== undefined) return text;
  throw new DskdError('artifact-invalid', 'The file is safetensors, but not a dskd detector.', {
    hint: 'Give the bytes that `Detector.save` made; weights of a teacher are for loadTeacher.',
    details: { wanted: 'detector' },
  });
}

/**
 * Reads the description of a detector: of an older format, too.
 * @param source the bytes of an artifact, whose tensors are neither read nor checked; or the description's own text, as an exported
 * file holds it.
 * @returns it in the current format, and the format it had.
 * @throws {DskdError} `weights-invalid` (bytes that are not safetensors), `artifact-invalid`, `artifact-version`, `artifact-outdated`
 */
export function readDescription(source: string | Uint8Array): {
  readonly description: DetectorDescription;
  readonly format: number;
} {
  const text = typeof source === 'string' ? source : textIn(tensorFiles.readMetadata(source));
  let format = FORMAT_VERSION as number;
  const description = tensorFiles.checkMetadata(descriptionSchema, text, 'detector', (parsed) => {
    assertKnownFormat(parsed.format);
    if (typeof parsed.format !== 'number') return parsed;
    format = parsed.format;
    return migrateDescription(parsed, format);
  });
  return { description, format };
}

/**
 * Reads what {@link writeArtifact} wrote, here or in an older version: the description comes in the current
 * format.
 * @throws {DskdError} `weights-invalid` (not safetensors, or cut off), `artifact-invalid` (no description or
 * a wrong one), `artifact-version` (a newer format), `artifact-outdated` (one older than any known),
 * `weights-mismatch` (tensors missing or left over), `input-size-mismatch`, `weights-not-finite`.
 */
export function readArtifact(bytes: Uint8Array): Artifact {
  const file = readSafetensors(bytes);
  const { description, format } = readDescription(textIn(file.metadata));
  const tensors = migrateTensors(file.tensors, format);
  assertTensorsFit(description, tensors);
  return { description, tensors };
}
