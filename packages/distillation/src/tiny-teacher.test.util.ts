import type { FeatureExtractor } from '@dskd/core';
import { backboneInfo, createBackbone } from '@dskd/models';
import { integerFill } from '@dskd/test-support';
import type { StateDict } from '@dskd/weights';

export interface TestTeacher {
  readonly extractor: FeatureExtractor;
  readonly sha256: string;
}

/** Returns SqueezeNet with weights from the integer formula. The caller disposes the extractor. */
export function tinyTeacher(): TestTeacher {
  const weights: StateDict = new Map();
  for (const [name, shape] of backboneInfo('squeezenet1_1').weightShapes()) {
    weights.set(name, { dtype: 'F32', shape, data: integerFill(name, shape) });
  }
  return { extractor: createBackbone('squeezenet1_1', { weights }), sha256: 'a'.repeat(64) };
}
