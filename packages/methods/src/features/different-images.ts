import { DskdError } from '@dskd/base';
import type { Rows } from '@dskd/closed-form';

export function areEqual({ data, width }: Rows): boolean {
  return data.every((value, i) => value === data[i % width]);
}

/**
 * Refuses good images of which none differs from the others: nothing says then how far normal goes.
 * @param rows of features, one for each image.
 * @throws {DskdError} `dataset-invalid`
 */
export function assertDifferent(branch: string, rows: Rows): void {
  if (!areEqual(rows)) return;
  throw new DskdError(
    'dataset-invalid',
    `All ${rows.count} good images look the same to the branch ${branch}; wanted images that differ.`,
    {
      hint: 'Give images of different good parts, and no copies of one image.',
      details: { branch, images: rows.count },
    },
  );
}
