// Draws parts in place of yours: trays with one plug in each compartment, and trays with something wrong.
import { writeDataset } from '@dskd/synthetic/node';

const counts = { train: 40, validation: 0, test: 9 };
await writeDataset('out', { category: 'tray', size: 256, seed: 7, ...counts, overwrite: true });
