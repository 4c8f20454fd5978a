import { readFileSync } from 'node:fs';
import type { PixelBuffer } from '@dskd/base';
import { backboneWeightShapes } from '@dskd/models';
import { integerFill } from '@dskd/test-support';
import type { StateDict } from '@dskd/weights';
import { namedTeacher, type Teacher } from './teacher.js';

/** What the fixture's detector said of two pictures when it was made. */
export interface Expected {
  readonly sha256: string;
  readonly description: Record<string, unknown> & { readonly training: Record<string, unknown> };
  readonly predictions: readonly {
    readonly score: number;
    readonly pValue: number;
    readonly verdict: string;
    readonly branches: Readonly<Record<string, number>>;
    readonly map: readonly number[];
  }[];
}

export const FIXTURE = new URL('../test/fixtures/format-1.safetensors', import.meta.url);

export function fixtureBytes(): Buffer {
  return readFileSync(FIXTURE);
}

export function fixtureExpected(): Expected {
  return JSON.parse(
    readFileSync(new URL('../test/fixtures/format-1.json', import.meta.url), 'utf8'),
  ) as Expected;
}

const SIDE = 32;
const LEVELS = ['layer1', 'layer2'];

/** As format-1.mjs beside the fixture has it. */
export function fixturePicture(index: number, anomalous: boolean): PixelBuffer {
  const data = new Uint8Array(SIDE * SIDE * 3);
  for (let i = 0; i < data.length; i++) {
    const x = Math.floor(i / 3) % SIDE;
    const y = Math.floor(i / 3 / SIDE);
    const inside = x >= 12 && x < 22 && y >= 12 && y < 22;
    const value = (inside ? 200 : 90 + 2 * x) + ((i * 37 + index * 101) % 23);
    data[i] = anomalous && x < 9 && y < 9 ? 5 : value;
  }
  return { data, width: SIDE, height: SIDE, channels: 3 };
}

/** The teacher the fixture names by hash; who calls this disposes it. */
export function fixtureTeacher(): Teacher {
  const weights: StateDict = new Map();
  for (const [name, shape] of backboneWeightShapes('resnet18', { levels: LEVELS })) {
    weights.set(name, { dtype: 'F32', shape, data: integerFill(name, shape) });
  }
  return namedTeacher('resnet18', weights, '1'.repeat(64), { levels: LEVELS });
}
