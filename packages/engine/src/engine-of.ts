import type { ImageInput } from '@dskd/data';
import { Detector, type Predictor } from '@dskd/detector';
import * as tf from '@tensorflow/tfjs-core';
import { Engine, queueLimit } from './engine.js';
import { OwnThreadCrew } from './own-thread-crew.js';

function crewOf(predictor: Predictor): OwnThreadCrew<ImageInput> {
  const isDetector = predictor instanceof Detector;
  return new OwnThreadCrew(
    predictor,
    {
      engine: isDetector ? 'tfjs' : 'onnx',
      workers: 0,
      threads: null,
      backend: isDetector ? tf.getBackend() : null,
      reason: 'the predictor that was given',
    },
    (image) => image,
    () => predictor.dispose(),
  );
}

/**
 * An engine that computes in this thread, in a page or in Node, with a detector or an exported one that was loaded.
 * @param predictor becomes the engine's, which disposes it; so does what `swap` is given.
 * @param options.queue most images that wait. Default 16.
 * @throws {DskdError} `invalid-argument`
 */
export function engineOf(
  predictor: Predictor,
  { queue }: { readonly queue?: number } = {},
): Engine<ImageInput, Predictor> {
  const limit = queueLimit(queue, 0);
  return new Engine(crewOf(predictor), (next: Predictor) => Promise.resolve(crewOf(next)), limit);
}
