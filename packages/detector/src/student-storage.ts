import type { TensorStorage } from '@dskd/weights';

export { storedAs } from '@dskd/weights';

/** Element type of a student's filters in a file. */
export type StudentStorage = TensorStorage;
