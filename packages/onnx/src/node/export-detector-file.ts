import { createHash, randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { describeValue, DskdError } from '@dskd/base';
import { writeFileAtomically } from '@dskd/data/node';
import type { Detector } from '@dskd/detector';
import type { ExportOptions } from '../export-detector.js';
import { piecesOf, placeOutside, slicesOf, type OutsideValues } from '../external-data.js';
import { bytesOf, bytesOfValues, encodeModel, MOST_VALUES } from '../graph/encode.js';
import { withExternalData } from '../metadata.js';
import { recordDetector, type RecordedDetector } from '../record-detector.js';

export interface ExportFileOptions extends ExportOptions {
  /**
   * Whether values lie in a second file, `FILE.data`, as ONNX has it for models of 2 GiB and more. `auto`, the default: where they are
   * too large for one file. `never`: such a model is refused.
   */
  readonly externalData?: 'auto' | 'always' | 'never';
  /** For `auto`: models of more bytes have a second file. Default and most: about 2 GiB. */
  readonly externalDataAbove?: number;
  /** Is given the path of a complete file before anything is written to the one that was asked for, which its error prevents. */
  readonly check?: (file: string) => Promise<void>;
}

/** A file that was written. */
export interface ExportedFile {
  readonly path: string;
  readonly bytes: number;
}

const CHOICES = ['auto', 'always', 'never'];

function assertOptions({ externalData = 'auto', externalDataAbove = MOST_VALUES }: ExportFileOptions): void {
  if (!CHOICES.includes(externalData)) {
    throw new DskdError(
      'invalid-argument',
      `Got externalData ${describeValue(externalData)}, wanted ${CHOICES.join(', ')}.`,
      { hint: 'Leave it out for auto.' },
    );
  }
  if (externalDataAbove >= 0 && externalDataAbove <= MOST_VALUES) return;
  throw new DskdError(
    'invalid-argument',
    `Got externalDataAbove ${describeValue(externalDataAbove)}, wanted 0 to ${MOST_VALUES} bytes.`,
    { hint: 'Leave it out for one file wherever a model fits into it.' },
  );
}

/** SHA-256 of the values that lie outside, in the order of their file. */
function hashOf({ places }: OutsideValues, { constants }: RecordedDetector['graph']): string {
  const hash = createHash('sha256');
  for (const name of places.keys())
    for (const slice of slicesOf(bytesOf(constants.get(name)!))) hash.update(slice);
  return hash.digest('hex');
}

/** Files beside the final ones. Abandoned ones of such names are removed by the next writing into their folder. */
const stagingName = (file: string): string =>
  path.join(path.dirname(file), `.${path.basename(file)}.${randomBytes(6).toString('hex')}.tmp`);

/** Runs what writes `file`. @throws {DskdError} `file-not-writable` */
async function writing(file: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DskdError('file-not-writable', `Cannot write ${file}: ${reason}.`, {
      cause,
      hint: 'Choose another path, or free disk space.',
      details: { path: file },
    });
  }
}

/** Writes a new file of pieces, which together may be larger than an array can be, and flushes it. */
async function writePieces(file: string, pieces: Iterable<Uint8Array>): Promise<void> {
  const handle = await open(file, 'wx');
  try {
    for (const piece of pieces) {
      for (let at = 0; at < piece.length; ) at += (await handle.write(piece, at)).bytesWritten;
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Writes a detector as an ONNX file, as `exportDetector` makes it, and where it is too large for one file its values to
 * `FILE.data` beside it. Both are complete before one of them has its name; first the values get theirs, so that the model never names
 * a file that is not there. Where the process is killed between, loading tells that they do not belong together.
 * @param file gets the model; existing files are replaced.
 * @returns the files: the model and, if there is one, that of the values.
 * @throws {DskdError} as `exportDetector`; `file-not-writable`; what `check` throws. Then neither file has changed.
 */
export async function exportDetectorFile(
  detector: Detector,
  file: string,
  options: ExportFileOptions = {},
): Promise<ExportedFile[]> {
  assertOptions(options);
  const { masks = false, externalData = 'auto', externalDataAbove = MOST_VALUES } = options;
  const recorded = await recordDetector(detector, masks);
  const isOutside =
    externalData === 'always' ||
    (externalData === 'auto' && bytesOfValues(recorded.graph) > externalDataAbove);
  return isOutside ? writeBoth(recorded, file, options) : [await writeOne(recorded, file, options)];
}

async function writeOne(
  { graph, metadata }: RecordedDetector,
  file: string,
  { check }: ExportFileOptions,
): Promise<ExportedFile> {
  const bytes = encodeModel(graph, metadata);
  const staged = stagingName(file);
  try {
    await writeFileAtomically(staged, bytes);
    await check?.(staged);
    await writing(file, () => rename(staged, file));
    return { path: file, bytes: bytes.length };
  } finally {
    await rm(staged, { force: true });
  }
}

async function writeBoth(
  { graph, metadata }: RecordedDetector,
  file: string,
  { check }: ExportFileOptions,
): Promise<ExportedFile[]> {
  const dataFile = `${file}.data`;
  const sha256 = hashOf(placeOutside(graph, ''), graph);
  /** The model, with its values in a file of this path. */
  const modelWith = (valuesIn: string): Uint8Array => {
    const location = path.basename(valuesIn);
    const { places, bytes } = placeOutside(graph, location);
    return encodeModel(graph, withExternalData(metadata, { location, bytes, sha256 }), places);
  };
  const { places, bytes } = placeOutside(graph, path.basename(dataFile));
  const [stagedData, stagedModel, checked] = [stagingName(dataFile), stagingName(file), stagingName(file)];
  try {
    const model = modelWith(dataFile);
    await writeFileAtomically(stagedModel, model);
    await writing(dataFile, () => writePieces(stagedData, piecesOf(places, graph.constants, sha256)));
    if (check) {
      await writeFileAtomically(checked, modelWith(stagedData));
      await check(checked);
    }
    await writing(file, async () => {
      await rename(stagedData, dataFile);
      await rename(stagedModel, file);
    });
    return [
      { path: file, bytes: model.length },
      { path: dataFile, bytes },
    ];
  } finally {
    for (const staged of [stagedData, stagedModel, checked]) await rm(staged, { force: true });
  }
}
