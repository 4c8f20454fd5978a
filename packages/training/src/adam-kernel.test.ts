import * as tf from '@tensorflow/tfjs';
import { jest } from '@jest/globals';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import { expectNoNewTensors } from '@dskd/test-support';
import { Adam } from './adam.js';
import { network, train } from './optimizers.test.util.js';
import { captureVariables } from './training-state.js';

async function trained(weightDecay: number): Promise<unknown> {
  return expectNoNewTensors(async () => {
    const parameters = network();
    const adam = new Adam(parameters, { learningRate: 0.005, weightDecay });
    const losses = await train(adam, parameters, 0, 4);
    const result = { losses, state: await adam.capture(), values: await captureVariables(parameters) };
    adam.dispose();
    tf.dispose([...parameters.values()]);
    return result;
  });
}

test.each([0, 0.1])(
  'the kernel of @dskd/wasm-gradients updates to the same bits (weight decay %d)',
  async (weightDecay) => {
    await tf.setBackend('wasm');
    const registered = jest.spyOn(tf.engine(), 'runKernel');
    const wanted = await trained(weightDecay);
    const undo = registerWasmGradients();
    const got = await trained(weightDecay);
    undo();
    const updates = registered.mock.calls.filter(([name]) => name === 'AdamUpdate');
    registered.mockRestore();
    expect(updates).toHaveLength(16);
    expect(got).toEqual(wanted);
  },
);
