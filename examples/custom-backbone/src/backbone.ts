// All that knows the model. Threads cannot be handed a network: each that needs one imports this module.
import * as tf from '@tensorflow/tfjs';
import { fromTfjsModel, type Teacher } from '@dskd/models';
import { readTfjsModel } from '@dskd/models/node';

/** Makes a teacher of the model in `file`, a `model.json`. Who called this disposes it. */
export async function loadBackbone(file: string): Promise<Teacher> {
  const { handler, sha256 } = await readTfjsModel(file);
  // Of a converted SavedModel: tf.loadGraphModel(handler), fromTfjsModel(model, { nodes: [...], ... }).
  const model = await tf.loadLayersModel(handler);
  const extractor = await fromTfjsModel(model, {
    layers: ['block1', 'block2', 'block3'],
    inputSize: [64, 64],
    // Images come as RGB in 0..1; this network takes -1..1.
    inputTransform: { channelOrder: 'rgb', scale: 2, mean: [1, 1, 1], standardDeviation: [1, 1, 1] },
  });
  return {
    extractor,
    sha256,
    dispose() {
      extractor.dispose();
      model.dispose();
    },
  };
}
