import { DskdError } from '@dskd/base';
import { readSafetensors, writeSafetensors, type StateDict } from '@dskd/weights';
import { migrateDescription, OLDEST_FORMAT } from './artifact-migrations.js';
import { assertTensorsFit } from './artifact-tensors.js';
import { descriptionSchema, FORMAT_VERSION, type DetectorDescription } from './description.js';
import { checkMetadata, parseMetadata } from '@dskd/weights';

/** The safetensors metadata entry that holds the description. */
const METADATA_KEY = 'dskd';

export interface Artifact {
  readonly description: DetectorDescription;
  /** `teacher.*` (where embedded), `students.<branch>.*` (torch names and layouts), `ignored` (where used). */
  readonly tensors: StateDict;
}

/**
 * The artifact as the bytes of one `.safetensors` file.
 * @throws {DskdError} as {@link readArtifact}: what could not be read is not written.
 */
export function writeArtifact({ description, tensors }: Artifact): Uint8Array {
  const checked = checkMetadata(descriptionSchema, description, 'detector');
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

/**
 * Reads what {@link writeArtifact} wrote, here or in an older version: the description comes in the current
 * format.
 * @throws {DskdError} `weights-invalid` (not safetensors, or cut off), `artifact-invalid` (no description or
 * a wrong one), `artifact-version` (a newer format), `artifact-outdated` (one older than any known),
 * `weights-mismatch` (tensors missing or left over), `input-size-mismatch`, `weights-not-finite`.
 */
export function readArtifact(bytes: Uint8Array): Artifact {
  const { tensors, metadata } = readSafetensors(bytes);
  const text = metadata[METADATA_KEY];
  if (text === undefined) {
    throw new DskdError('artifact-invalid', 'The file is safetensors, but not a dskd detector.', {
      hint: 'Give a file that `dskd train` wrote; weights of a teacher go to --weights.',
    });
  }
  const parsed = parseMetadata(text, 'detector');
  const { format } = parsed;
  assertKnownFormat(format);
  const migrated = typeof format === 'number' ? migrateDescription(parsed, format) : parsed;
  const description = checkMetadata(descriptionSchema, migrated, 'detector');
  assertTensorsFit(description, tensors);
  return { description, tensors };
}

/** The entries of `tensors` whose name starts with `prefix.`, under the rest of their names. */
export function tensorsUnder(tensors: StateDict, prefix: string): StateDict {
  const start = `${prefix}.`;
  return new Map(
    [...tensors]
      .filter(([name]) => name.startsWith(start))
      .map(([name, entry]) => [name.slice(start.length), entry]),
  );
}
