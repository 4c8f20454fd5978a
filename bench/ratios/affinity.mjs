// Contextual affinity of 4096 positions of 256 channels, loss and gradient, against the plain formula in PyTorch.
import * as tf from '@tensorflow/tfjs';
import { selectBackend } from '@dskd/core/backends';
import { contextualAffinityLoss } from '@dskd/losses';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import { startPeer, takeTurns, timed } from './turns.mjs';

const SIDE = 64;
const CHANNELS = 256;
const megabytes = () => process.resourceUsage().maxRSS / 1024;

export async function measure(rounds = 7) {
  await selectBackend('wasm');
  registerWasmGradients();
  const peer = await startPeer('affinity_torch.py', 2);
  const featuresOf = (side) => {
    const teacher = tf.randomNormal([1, side, side, CHANNELS], 0, 1, 'float32', 1);
    return [teacher, tf.add(teacher, tf.randomNormal(teacher.shape, 0, 0.1, 'float32', 2))];
  };
  const step = async ([teacher, student]) => {
    const { value, grad } = tf.valueAndGrad((x) => contextualAffinityLoss(teacher, x))(student);
    // Computed by now: wasm does not return before. As in PyTorch, the gradient stays where an optimizer would use it.
    await value.data();
    tf.dispose([value, grad]);
  };
  // What the libraries and the inputs take does not count: memory is what the first large step adds to a small one.
  await step(featuresOf(8));
  await peer.ask({ ask: 'prepare', side: 8, channels: CHANNELS });
  await peer.ask({ ask: 'step' });
  const large = featuresOf(SIDE);
  const before = {
    own: megabytes(),
    peer: (await peer.ask({ ask: 'prepare', side: SIDE, channels: CHANNELS })).megabytes,
  };
  let peerMegabytes = 0;
  const times = await takeTurns(
    {
      own: () => timed(() => step(large)),
      peer: async () => {
        const told = await peer.ask({ ask: 'step' });
        peerMegabytes = told.megabytes;
        return told;
      },
    },
    { rounds },
  );
  peer.end();
  const memory = { own: megabytes() - before.own, peer: peerMegabytes - before.peer };
  return {
    torch: peer.about.torch,
    rows: [
      {
        what: 'contextual affinity, 4096 x 256, loss and gradient; wasm, one thread',
        peer: 'torch, 2 threads',
        times,
        wanted: 1.5,
      },
    ],
    memory: { own: Math.round(memory.own), peer: Math.round(memory.peer), wanted: 0.1 },
  };
}
