import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { DskdError } from '@dskd/base';
import { writeFileAtomically } from '@dskd/data/node';
import type { Cell } from '../cell.js';
import type { Combination } from '../job.js';
import type { Quality, TrainedCell } from '../job.js';
import { fromJson, toJson } from '../json.js';

async function readRecord(file: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return fromJson(text);
  } catch (cause) {
    throw new DskdError('artifact-invalid', `${file} is damaged: it is not JSON.`, {
      hint: 'Remove it; its content will be computed again.',
      cause,
    });
  }
}

/**
 * Stores the results of a grid in a folder, by identity: `cells/ID/student.safetensors`, `cells/ID/cell.json`, which
 * is written last and marks the cell as finished, and `combinations/ID.json`. Files are written atomically, so a
 * killed run can be resumed, and several runs may share the folder.
 */
export class CellStore {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  studentFile({ id }: Pick<Cell, 'id'>): string {
    return path.join(this.folder, 'cells', id, 'student.safetensors');
  }

  /** Record of a finished training; undefined if it is not finished. */
  async trained({ id }: Pick<Cell, 'id'>): Promise<TrainedCell | undefined> {
    const record = (await readRecord(this.#cellFile(id))) as { readonly result: TrainedCell } | undefined;
    return record?.result;
  }

  /** Marks a training as finished. Call it after the student's file is written. */
  async finishTraining({ id, facts }: Cell, result: TrainedCell): Promise<void> {
    await writeFileAtomically(this.#cellFile(id), `${toJson({ facts, result }, 2)}\n`);
  }

  async quality({ id }: Pick<Combination, 'id'>): Promise<Quality | undefined> {
    const record = (await readRecord(this.#combinationFile(id))) as { readonly quality: Quality } | undefined;
    return record?.quality;
  }

  async finishEvaluation(combination: Combination, quality: Quality): Promise<void> {
    await writeFileAtomically(
      this.#combinationFile(combination.id),
      `${toJson({ ...combination, quality }, 2)}\n`,
    );
  }

  #cellFile(id: string): string {
    return path.join(this.folder, 'cells', id, 'cell.json');
  }

  #combinationFile(id: string): string {
    return path.join(this.folder, 'combinations', `${id}.json`);
  }
}
