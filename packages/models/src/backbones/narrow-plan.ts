import type { Block, Convolution, Plan } from './plan.js';

/** The tile size of the fast wasm kernels. */
const TILE = 8;

/** `channels` times `width`, rounded up to a multiple of 8. Images keep their three channels. */
function narrowed(channels: number, width: number): number {
  return channels === 3 ? 3 : TILE * Math.ceil((channels * width) / TILE);
}

/** The same network with a fraction of its channels. */
export function narrowPlan(plan: Plan, width: number): Plan {
  if (width === 1) return plan;
  const narrow = (convolution: Convolution): Convolution => ({
    ...convolution,
    inputs: narrowed(convolution.inputs, width),
    outputs: narrowed(convolution.outputs, width),
  });
  const narrowBlock = (block: Block): Block => {
    switch (block.kind) {
      case 'convolution':
        return { kind: block.kind, convolution: narrow(block.convolution) };
      case 'max-pool':
      case 'average-pool':
        return block;
      case 'residual': {
        const shortcut = block.shortcut && narrow(block.shortcut);
        return { kind: block.kind, body: block.body.map(narrow), ...(shortcut && { shortcut }) };
      }
      case 'fire':
        return {
          kind: block.kind,
          squeeze: narrow(block.squeeze),
          expansions: block.expansions.map(narrow),
        };
    }
  };
  return {
    ...plan,
    stages: plan.stages.map(({ blocks, level, ...stage }) => ({
      ...stage,
      blocks: blocks.map(narrowBlock),
      ...(level && { level: { ...level, channels: narrowed(level.channels, width) } }),
    })),
  };
}
