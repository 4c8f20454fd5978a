import { fixtureBytes, fixtureImage, fixtureTeacher } from './older-formats.test.util.js';
import { readCheckpoint, writeCheckpoint } from '@dskd/training';
import { checkpointOf } from '../checkpoint.test.util.js';
import {
  useDamaged,
  withDamagedBytes,
  withDamagedDescription,
  type Outcome,
} from './hostile-files.test.util.js';
import { loadDetector } from './load-detector.js';

/** What happens to `count` damaged files of each kind; detectors that load must also predict, or refuse to. */
export async function damagedFiles(count: number): Promise<Record<string, Outcome>> {
  const teacher = fixtureTeacher();
  const loaded = await loadDetector(fixtureBytes(1), { teacher });
  const detector = loaded.save({ embedTeacher: false });
  loaded.dispose();
  const checkpoint = writeCheckpoint(checkpointOf(['local', 'global']));

  const loadAndPredict = async (file: Uint8Array): Promise<void> => {
    const damaged = await loadDetector(file, { teacher });
    try {
      await damaged.predict(fixtureImage(1, true));
    } finally {
      damaged.dispose();
    }
  };
  const readState = (file: Uint8Array): Promise<void> =>
    Promise.resolve().then(() => void readCheckpoint(file));
  const outcomes = {
    'descriptions of format 1': await useDamaged(
      count,
      (seed) => withDamagedDescription(fixtureBytes(1), 'dskd', seed),
      loadAndPredict,
    ),
    'descriptions of format 2': await useDamaged(
      count,
      (seed) => withDamagedDescription(detector, 'dskd', seed),
      loadAndPredict,
    ),
    'descriptions of checkpoints': await useDamaged(
      count,
      (seed) => withDamagedDescription(checkpoint, 'dskd-checkpoint', seed),
      readState,
    ),
    'detector files': await useDamaged(count, (seed) => withDamagedBytes(detector, seed), loadAndPredict),
    'checkpoint files': await useDamaged(count, (seed) => withDamagedBytes(checkpoint, seed), readState),
  };
  teacher.dispose();
  return outcomes;
}
