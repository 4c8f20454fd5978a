import { DskdError } from '@dskd/base';
import { readSafetensors, writeSafetensors, type StateDict } from '@dskd/weights';
import { migrateDescription, OLDEST_FORMAT } from './artefact-migrations.js';
import { assertTensorsFit } from './artefact-tensors.js';
import { descriptionSchema, FORMAT_VERSION, type DetectorDescription } from './description.js';
import { checkMetadata, parseMetadata } from './parse-metadata.js';

/** The safetensors metadata entry that holds the description. */
const METADATA_KEY = 'dskd';

export interface Artefact {
  readonly description: DetectorDescription;
  /** `teacher.*` (where embedded), `students.<branch>.*` (torch names and layouts), `ignored` (where used). */
  readonly tensors: StateDict;
}

/**
 * The artefact as the bytes of one `.safetensors` file.
 * @throws {DskdError} as {@link readArtefact}: what could not be read is not written.
 */
export function writeArtefact({ description, tensors }: Artefact): Uint8Array {
  const checked = checkMetadata(descriptionSchema, description, 'detector');
  assertTensorsFit(checked, tensors);
  return writeSafetensors(tensors, { [METADATA_KEY]: JSON.stringify(checked) });
}

/** @throws {DskdError} `artefact-version`, `artefact-outdated` */
function assertKnownFormat(format: unknown): void {
  if (typeof format !== 'number') return;
  const got = `The detector has format ${format}; this version of dskd reads formats ${OLDEST_FORMAT} to ${FORMAT_VERSION}.`;
  const details = { got: format, oldest: OLDEST_FORMAT, newest: FORMAT_VERSION };
  if (format > FORMAT_VERSION) {
    throw new DskdError('artefact-version', got, {
      hint: 'The file is from a newer dskd: update this one.',
      details,
    });
  }
  if (format < OLDEST_FORMAT) {
    throw new DskdError('artefact-outdated', got, {
      hint: 'No released version wrote that format: the file is damaged, or from before the first release.',
      details,
    });
  }
}

/**
 * Reads what {@link writeArtefact} wrote, here or in an older version: the description comes in the current
 * format.
 * @throws {DskdError} `weights-invalid` (not safetensors, or cut off), `artefact-invalid` (no description or
 * a wrong one), `artefact-version` (a newer format), `artefact-outdated` (one older than any known),
 * `weights-mismatch` (tensors missing or left over), `input-size-mismatch`, `weights-not-finite`.
 */
export function readArtefact(bytes: Uint8Array): Artefact {
  const { tensors, metadata } = readSafetensors(bytes);
  const text = metadata[METADATA_KEY];
  if (text === undefined) {
    throw new DskdError('artefact-invalid', 'The file is safetensors, but not a dskd detector.', {
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
