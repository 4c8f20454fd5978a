import { type DatasetProblem, SPLITS } from '../samples.js';
import type { FileEntry } from './tree.js';

/** An entry with the hash of its image's bytes; empty if it could not be read. */
type HashedEntry = Pick<FileEntry, 'id' | 'split' | 'label'> & { readonly sha256: string };

/** Problems of identical files (byte for byte) in two splits or with two labels. */
export function duplicateProblems(entries: readonly HashedEntry[]): DatasetProblem[] {
  const problems: DatasetProblem[] = [];
  const first = new Map<string, HashedEntry>();
  // Sorted by split, so that the problem is reported for the test image, not for the training image.
  const bySplit = [...entries].sort((a, b) => SPLITS.indexOf(a.split) - SPLITS.indexOf(b.split));
  for (const entry of bySplit) {
    const { id, sha256, split, label } = entry;
    if (sha256 === '') continue;
    const same = first.get(sha256);
    if (!same) first.set(sha256, entry);
    else if (same.split !== split || same.label !== label) {
      const role = same.split === split ? `which is ${same.label}` : `which is in ${same.split}`;
      problems.push({ path: id, problem: `the same file, byte for byte, as ${same.id}, ${role}` });
    }
  }
  return problems;
}
