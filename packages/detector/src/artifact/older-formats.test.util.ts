import { readFileSync } from 'node:fs';
import type { PixelBuffer } from '@dskd/base';
import { backboneInfo, namedTeacher, type Teacher } from '@dskd/models';
import { integerFill } from '@dskd/test-support';
import type { StateDict } from '@dskd/weights';

/** What a fixture's detector said of two images when it was made. */
export interface Expected {
  readonly sha256: string;
  readonly description: Record<string, unknown> & { readonly training?: Record<string, unknown> };
  readonly predictions: readonly {
    readonly score: number;
    readonly pValue: number;
    readonly verdict: string;
    readonly branches: Readonly<Record<string, number>>;
    readonly map: readonly number[];
  }[];
}

export function fixtureBytes(format: 1 | 2): Buffer {
  return readFileSync(new URL(`../../test/fixtures/format-${format}.safetensors`, import.meta.url));
}

export function fixtureExpected(format: 1 | 2): Expected {
  return JSON.parse(
    readFileSync(new URL(`../../test/fixtures/format-${format}.json`, import.meta.url), 'utf8'),
  ) as Expected;
}

const SIDE = 32;
const LEVELS = ['layer1', 'layer2'];

/** As format-1.mjs and format-2.mjs beside the fixtures have it. */
export function fixtureImage(index: number, anomalous: boolean): PixelBuffer {
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

/** The teacher that both fixtures name by hash; the caller disposes it. */
export function fixtureTeacher(): Teacher {
  const weights: StateDict = new Map();
  for (const [name, shape] of backboneInfo('resnet18').weightShapes({ levels: LEVELS })) {
    weights.set(name, { dtype: 'F32', shape, data: integerFill(name, shape) });
  }
  return namedTeacher('resnet18', weights, '1'.repeat(64), { levels: LEVELS });
}
