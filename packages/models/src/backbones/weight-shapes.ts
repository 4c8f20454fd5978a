import { DskdError } from '@dskd/base';
import type { StateDict } from '@dskd/weights';
import { convolutionsOf, type Stage } from './plan.js';
import { selectLevels, type BackboneName } from './registry.js';

const NORM_TENSORS = ['weight', 'bias', 'running_mean', 'running_var'];

export function requiredTensors(stages: readonly Stage[]): Map<string, number[]> {
  const shapes = new Map<string, number[]>();
  for (const convolution of stages.flatMap((stage) => stage.blocks.flatMap(convolutionsOf))) {
    const { name, norm, inputs, outputs, kernel } = convolution;
    shapes.set(`${name}.weight`, [outputs, inputs, kernel, kernel]);
    if (norm === undefined) shapes.set(`${name}.bias`, [outputs]);
    else for (const tensor of NORM_TENSORS) shapes.set(`${norm}.${tensor}`, [outputs]);
  }
  return shapes;
}

/**
 * The tensors a backbone reads from its weights: torchvision's names, torch's shapes (filters are
 * `[outputs, inputs, height, width]`), up to the deepest level.
 * @throws {DskdError} `invalid-argument` for an unknown name or level.
 */
export function backboneWeightShapes(
  name: BackboneName,
  { levels }: { readonly levels?: readonly string[] } = {},
): Map<string, number[]> {
  return requiredTensors(selectLevels(name, levels).stages);
}

const LISTED = 12;

/** @throws {DskdError} `weights-mismatch`, one error for everything that is missing or of another shape. */
export function checkWeights(name: string, stages: readonly Stage[], weights: StateDict): void {
  const problems: string[] = [];
  for (const [tensor, shape] of requiredTensors(stages)) {
    const got = weights.get(tensor);
    if (!got) problems.push(`'${tensor}' [${shape.join(', ')}] is missing`);
    else if (got.shape.length !== shape.length || got.shape.some((side, axis) => side !== shape[axis])) {
      problems.push(`'${tensor}' is [${got.shape.join(', ')}], wanted [${shape.join(', ')}]`);
    }
  }
  if (problems.length === 0) return;
  const more = problems.length > LISTED ? `; and ${problems.length - LISTED} more` : '';
  throw new DskdError(
    'weights-mismatch',
    `These are not weights of ${name}: ${problems.slice(0, LISTED).join('; ')}${more}.`,
    {
      hint: "Names and shapes must be torchvision's; check the network's name and that no prefix is in front.",
      details: { problems },
    },
  );
}
