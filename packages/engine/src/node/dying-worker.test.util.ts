// A worker thread of an engine that ends when a test says so, by the path of an image or by the environment.
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Prediction } from '@dskd/detector';
import type { ScoreOptions } from '../crew.js';
import { exposeWorker } from './expose-worker.js';
import type { EngineImage } from './image.js';
import { EngineWorker } from './worker-api.js';

/** Images of this path end the thread that gets them. */
const DEADLY = 'deadly.png';
/** Where this file is, threads end while they load. */
const flag = path.join(tmpdir(), `dskd-dying-worker-${process.pid}`);

class DyingWorker extends EngineWorker {
  override load(...args: Parameters<EngineWorker['load']>): Promise<string | null> {
    if (existsSync(flag)) process.exit(4);
    return super.load(...args);
  }

  override predict(image: EngineImage, options: ScoreOptions): Promise<Prediction> {
    if (image === DEADLY) process.exit(3);
    return super.predict(image, options);
  }
}

exposeWorker(new DyingWorker());
