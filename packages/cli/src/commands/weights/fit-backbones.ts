import type { StateDict } from '@dskd/weights';

export interface Fit {
  readonly backbone: string;
  /** What stands before torchvision's names. */
  readonly prefix: string;
}

type Shapes = ReadonlyMap<string, readonly number[]>;

function hasAll(tensors: StateDict, wanted: Shapes, prefix: string): boolean {
  return [...wanted].every(([name, shape]) => String(tensors.get(prefix + name)?.shape) === String(shape));
}

/**
 * The backbones whose tensors are all there, under any common prefix. Only the largest: a ResNet-34 also holds
 * all that a ResNet-18 reads.
 */
export async function fitBackbones(tensors: StateDict): Promise<Fit[]> {
  const { BACKBONES, backboneWeightShapes } = await import('@dskd/models');
  const fits = BACKBONES.flatMap((backbone) => {
    const wanted = backboneWeightShapes(backbone);
    const [first] = wanted.keys();
    const prefix = [...tensors.keys()]
      .filter((name) => name === first || name.endsWith(`.${first}`))
      .map((name) => name.slice(0, -first!.length))
      .find((candidate) => hasAll(tensors, wanted, candidate));
    return prefix === undefined ? [] : [{ backbone, prefix, size: wanted.size }];
  });
  const largest = Math.max(...fits.map(({ size }) => size));
  return fits.filter(({ size }) => size === largest).map(({ backbone, prefix }) => ({ backbone, prefix }));
}

/** `resnet50 or resnet50_v1`, with what to strip. */
export function describeFits(fits: readonly Fit[]): string {
  return fits
    .map(({ backbone, prefix }) => (prefix === '' ? backbone : `${backbone} after --strip-prefix ${prefix}`))
    .join(' or ');
}
