import { onSurface, type Damageable } from '../defects/surface.js';
import { clamp, cosine, degrees, type Draws, sine } from '../math.js';

import { mixed, type Color } from '../raster/blend.js';
import { beveled, grained, plain, rod, type Paint } from '../raster/paint.js';
import {
  circle,
  difference,
  grown,
  intersection,
  rectangle,
  stroke,
  union,
  wobbled,
  type Point,
  type Shape,
} from '../raster/shape.js';
import { areaOf, defineCategory, WHOLE } from '../scene/definition.js';
import { flat, type Part } from '../scene/part.js';

const SLOTS = 4;
const RADIUS = 0.0145;
const CABLE_AREA = 0.0155;
const BETWEEN = rectangle(0.5, 0.5, 0.27, 0.36);

const COLORS: readonly Color[] = [
  [0.8, 0.14, 0.16],
  [0.93, 0.76, 0.12],
  [0.14, 0.56, 0.28],
  [0.13, 0.34, 0.76],
];

type Side = -1 | 1;

interface Cable {
  left: number;
  right: number;
  color: number;
  /** Sag and sway of the cable's path. */
  readonly sag: number;
  readonly sway: number;
  /** Position of its right end when it is not plugged in. */
  looseEnd?: Point;
  gap?: Shape;
}

interface HarnessLayout extends Damageable {
  readonly cables: Cable[];
  /** The color at each slot, by side. */
  readonly markers: Record<'left' | 'right', number[]>;
  readonly seed: number;
  readonly mat: Color;
  readonly plastic: Color;
  dent?: { readonly side: Side; readonly shape: Shape };
}

function slotY(slot: number): number {
  return 0.5 + (slot - (SLOTS - 1) / 2) * 0.178;
}

function marker(side: Side, slot: number): Shape {
  return rectangle(0.5 + side * 0.395, slotY(slot), 0.034, 0.042, 0.01);
}

function block(side: Side): Shape {
  return rectangle(0.5 + side * 0.36, 0.5, 0.09, 0.385, 0.022);
}

function cableShape({ left, right, sag, sway, looseEnd, gap }: Cable): Shape {
  const [endX, endY] = looseEnd ?? [0.755, slotY(right)];
  const start = slotY(left);
  const steps = 28;
  const points = Array.from({ length: steps + 1 }, (_, i): Point => {
    const t = i / steps;
    const straight = start + (endY - start) * t * t * (3 - 2 * t);
    const bow = 0.5 - 0.5 * cosine(6.283185 * t);
    return [0.245 + (endX - 0.245) * t, straight + bow * (sag + sway * sine(6.283185 * t))];
  });
  const line = stroke(points, RADIUS);
  return gap ? difference(line, gap) : line;
}

function tube([red, green, blue]: Color): Paint {
  return (_x, _y, distance, out) => {
    const depth = clamp(-distance / RADIUS);
    const shade = 0.55 + 0.75 * depth - 0.15 * depth * depth;
    out[0] = red * shade;
    out[1] = green * shade;
    out[2] = blue * shade;
  };
}

function cableParts(cable: Cable): Part[] {
  const shape = cableShape(cable);
  const [endX, endY] = cable.looseEnd ?? [0.755, slotY(cable.right)];
  const ferrule = (x: number, y: number): Part => {
    const metal = rod([0.78, 0.78, 0.8], 0.019, [-0.6, -0.8]);
    const sleeve = rectangle(x, y, 0.022, 0.019, 0.004);
    return flat(sleeve, (px, py, distance, out) => metal(px, py - y, distance, out), 0.008);
  };
  return [
    flat(shape, tube(COLORS[cable.color]!), 0.013),
    ferrule(0.255, slotY(cable.left)),
    ferrule(endX - 0.01, endY),
  ];
}

function blockParts({ dent, markers, plastic }: HarnessLayout, side: Side): Part[] {
  const body = block(side);
  const shape = dent?.side === side ? difference(body, dent.shape) : body;
  const slots = Array.from({ length: SLOTS }, (_, slot) => {
    const hole = rectangle(0.5 + side * 0.292, slotY(slot), 0.03, 0.026, 0.006);
    const color = COLORS[markers[side < 0 ? 'left' : 'right'][slot]!]!;
    const label = marker(side, slot);
    return [
      flat(intersection(hole, shape), plain([0.1, 0.1, 0.11])),
      flat(intersection(label, shape), beveled(plain(color), label, { width: 0.008, strength: 0.35 })),
    ];
  });
  const paint = beveled(plain(plastic), shape, { width: 0.014, strength: 0.35 });
  return [flat(shape, paint, 0.02), ...slots.flat()];
}

function freeSlots(layout: HarnessLayout): number[] {
  return Array.from({ length: SLOTS }, (_, slot) => slot).filter((slot) =>
    layout.cables.every((cable) => cable.left !== slot && cable.right !== slot),
  );
}

function newCable(slot: number, draws: Draws): Cable {
  return { left: slot, right: slot, color: slot, sag: draws.bell(0.04), sway: draws.bell(0.035) };
}

function onBlock(draws: Draws, lean: number): { x: number; y: number; angle: number; within: Shape } {
  const side: Side = draws.integer(2) === 0 ? -1 : 1;
  // Between two slots, where there is nothing else.
  const y = 0.5 + draws.pick([-1, 0, 1]) * 0.178;
  return {
    x: 0.5 + side * 0.36,
    y: y + draws.bell(0.01),
    angle: degrees(lean + draws.bell(18)),
    within: block(side),
  };
}

function onMat(layout: HarnessLayout, draws: Draws): { x: number; y: number; angle: number } {
  const slot = draws.pick(freeSlots(layout));
  return { x: draws.between(0.36, 0.64), y: slotY(slot), angle: degrees(draws.between(0, 180)) };
}

export const harness = defineCategory<HarnessLayout>({
  name: 'harness',
  rule: 'Two connectors of four colored slots, red, yellow, green, blue from the top; two cables, each from a slot to the one opposite, in the color of both.',
  layout(draws) {
    const used = draws.shuffled([0, 1, 2, 3]).slice(0, 2);
    return {
      cables: used.map((slot) => newCable(slot, draws)),
      markers: { left: [0, 1, 2, 3], right: [0, 1, 2, 3] },
      seed: draws.seed(),
      mat: mixed([0.62, 0.64, 0.66], [0.4, 0.45, 0.5], draws.between(0, 1)),
      plastic: mixed([0.9, 0.9, 0.88], [0.74, 0.74, 0.74], draws.between(0, 1)),
      overlays: [],
    };
  },
  parts(layout) {
    const mat = grained(plain(layout.mat), 0.1, 55, layout.seed);
    return [
      flat(rectangle(0.5, 0.5, 0.8, 0.8), mat),
      ...blockParts(layout, -1),
      ...blockParts(layout, 1),
      ...layout.cables.flatMap(cableParts),
      ...layout.overlays,
    ];
  },
  anomalies: [
    {
      name: 'missing_cable',
      kind: 'logical_anomalies',
      shows: 'one cable instead of two',
      saturation: areaOf(CABLE_AREA),
      apply(layout, draws) {
        layout.cables.splice(draws.integer(2), 1);
        return [difference(BETWEEN, grown(cableShape(layout.cables[0]!), 0.02))];
      },
    },
    {
      name: 'additional_cable',
      kind: 'logical_anomalies',
      shows: 'three cables instead of two',
      saturation: areaOf(CABLE_AREA),
      apply(layout, draws) {
        layout.cables.push(newCable(draws.pick(freeSlots(layout)), draws));
        return [union(...layout.cables.map(cableShape))];
      },
    },
    {
      name: 'wrong_color',
      kind: 'logical_anomalies',
      shows: 'a cable has the color of another slot',
      saturation: WHOLE,
      apply(layout, draws) {
        const wrong = draws.pick(layout.cables);
        wrong.color = draws.pick(freeSlots(layout));
        return [cableShape(wrong)];
      },
    },
    {
      name: 'wrong_slot',
      kind: 'logical_anomalies',
      shows: "a cable's right end is in another slot than its left one",
      saturation: { relative: true, share: 0.3 },
      apply(layout, draws) {
        const wrong = draws.pick(layout.cables);
        wrong.right = draws.pick(freeSlots(layout));
        return [cableShape(wrong)];
      },
    },
    {
      name: 'swapped_ends',
      kind: 'logical_anomalies',
      shows: 'the two cables cross: their right ends are swapped',
      saturation: { relative: true, share: 0.3 },
      apply(layout) {
        const [a, b] = layout.cables as [Cable, Cable];
        [a.right, b.right] = [b.right, a.right];
        return [cableShape(a), cableShape(b)];
      },
    },
    {
      name: 'mismatched_connector',
      kind: 'logical_anomalies',
      shows: 'two slots of a connector have each other’s color',
      saturation: WHOLE,
      apply(layout, draws) {
        const side = draws.pick(['left', 'right'] as const);
        const [a, b] = draws.shuffled([0, 1, 2, 3]).slice(0, 2) as [number, number];
        layout.markers[side][a] = b;
        layout.markers[side][b] = a;
        return [a, b].map((slot) => marker(side === 'left' ? -1 : 1, slot));
      },
    },
    {
      name: 'misplaced_end',
      kind: 'logical_anomalies',
      shows: "a cable's right end lies on the mat, not in its slot",
      saturation: { relative: true, share: 0.3 },
      apply(layout, draws) {
        const loose = draws.pick(layout.cables);
        const home = cableShape(loose);
        loose.looseEnd = [
          0.63 + draws.bell(0.01),
          slotY(loose.right) + draws.sign() * draws.between(0.06, 0.085),
        ];
        const half = rectangle(0.69, 0.5, 0.1, 0.5);
        return [union(intersection(cableShape(loose), half), intersection(home, half))];
      },
    },
    {
      name: 'cut_cable',
      kind: 'structural_anomalies',
      shows: 'a cable is cut through',
      saturation: WHOLE,
      apply(layout, draws, strength) {
        const cut = draws.pick(layout.cables);
        const whole = cableShape(cut);
        const halfWidth = 0.008 + 0.018 * strength;
        cut.gap = wobbled(rectangle(draws.between(0.38, 0.62), 0.5, halfWidth, 0.5), 0.006, 70, draws.seed());
        return [intersection(grown(whole, 0.002), grown(cut.gap, 0.004))];
      },
    },
    {
      name: 'deformed_connector',
      kind: 'structural_anomalies',
      shows: 'a connector’s edge is molten or broken away',
      saturation: WHOLE,
      apply(layout, draws, strength) {
        const side: Side = draws.integer(2) === 0 ? -1 : 1;
        const y = 0.5 + draws.pick([-0.385, 0.385]);
        const hole = circle(0.5 + side * (0.36 + draws.pick([-0.06, 0.06])), y, 0.04 + 0.03 * strength);
        const shape = wobbled(hole, 0.014, 30, draws.seed());
        layout.dent = { side, shape };
        return [intersection(block(side), shape)];
      },
    },
    onSurface('crack', 'crack', 'a connector is cracked', (_layout, draws) => onBlock(draws, 0)),
    onSurface('scratch', 'scratch', 'the mat, or a cable on it, is scratched', (layout, draws) =>
      onMat(layout, draws),
    ),
    onSurface('contamination', 'contamination', 'a crumb of dirt lies on the mat', (layout, draws) =>
      onMat(layout, draws),
    ),
    onSurface('stain', 'stain', 'something was spilt on a connector', (_layout, draws) => onBlock(draws, 90)),
  ],
});
