import { DskdError } from '@dskd/base';
import { type StateDict, type StateDictEntry, toFloat32 } from '@dskd/weights';
import * as tf from '@tensorflow/tfjs-core';
import { fromTorch, keptShape, type ParameterSlot, toTorch } from './network-plan.js';

export interface LoadStateDictOptions {
  /** Added before the names of the entries: `'bottleneck.'` for RD4AD's `bn`, `'decoder.'` for its `decoder`. */
  readonly prefix?: string;
  /** Whether parameters without an entry keep their values. Default false: they are an error. */
  readonly partial?: boolean;
}

/** Entries that torch stores and that nothing here uses: counters, and RD4AD's unused convolution. */
function isUnused(name: string): boolean {
  return name.endsWith('.num_batches_tracked') || /^bottleneck\.(conv4|bn4)\./.test(name);
}

/** Returns every parameter and buffer by torch's names and layouts, as F32. */
export async function readState(slots: readonly ParameterSlot[]): Promise<StateDict> {
  const state: StateDict = new Map();
  for (const slot of slots) {
    const { name, torchShape, layout } = slot.spec;
    const data = toTorch(layout, torchShape, (await slot.variable.data()) as Float32Array);
    state.set(name, { dtype: 'F32', shape: torchShape, data });
  }
  return state;
}

/** @throws {DskdError} `weights-mismatch` with all problems; then no parameter was changed. */
export function loadState(
  slots: readonly ParameterSlot[],
  entries: ReadonlyMap<string, StateDictEntry>,
  {
    prefix = '',
    partial = false,
    network = 'student',
  }: LoadStateDictOptions & { readonly network?: string } = {},
): void {
  const byName = new Map(slots.map((slot) => [slot.spec.name, slot]));
  const problems: string[] = [];
  const found = new Map<ParameterSlot, StateDictEntry>();
  for (const [name, entry] of entries) {
    const slot = byName.get(prefix + name);
    if (slot) {
      const wanted = slot.spec.torchShape.join('x');
      if (entry.shape.join('x') === wanted) found.set(slot, entry);
      else problems.push(`'${prefix}${name}' is ${entry.shape.join('x')}, wanted ${wanted}`);
    } else if (!isUnused(prefix + name)) {
      problems.push(`'${prefix}${name}' is not a name of this ${network}`);
    }
  }
  if (!partial) {
    for (const slot of slots) {
      if (!found.has(slot)) problems.push(`'${slot.spec.name}' is missing`);
    }
  }
  if (problems.length > 0) {
    const shown = problems.slice(0, 8).join('; ');
    const more = problems.length > 8 ? `; and ${problems.length - 8} more` : '';
    throw new DskdError('weights-mismatch', `The state does not fit the ${network}: ${shown}${more}.`, {
      hint: `Load it into a ${network} with the same options.`,
      details: { problems },
    });
  }
  for (const [slot, entry] of found) {
    const { layout, torchShape } = slot.spec;
    const kept = fromTorch(layout, torchShape, toFloat32(entry));
    tf.tidy(() => slot.variable.assign(tf.tensor(kept, keptShape(layout, torchShape))));
  }
}
