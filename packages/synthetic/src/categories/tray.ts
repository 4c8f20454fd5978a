import { onSurface, type Damageable } from '../defects/surface.js';
import { degrees, type Draws } from '../math.js';

import { mixed, type Color } from '../raster/blend.js';
import { beveled, grained, lightOn, plain, rod, scaled } from '../raster/paint.js';
import {
  circle,
  difference,
  grown,
  intersection,
  jaggedHalfPlane,
  placed,
  polygon,
  rectangle,
  regularPoints,
  union,
  type Point,
  type Pose,
  type Shape,
} from '../raster/shape.js';
import { areaOf, defineCategory, WHOLE } from '../scene/definition.js';
import { bendPart, cutPart, flat, placePart, type Alteration, type Part } from '../scene/part.js';

const COLUMNS = 4;
const ROWS = 3;
const PITCH_X = 0.222;
const PITCH_Y = 0.285;
const HALF_WIDTH = 0.1;
const HALF_HEIGHT = 0.131;
/** Area of one plug. */
const PLUG_AREA = 0.0058;

interface Plug {
  readonly compartment: number;
  pose: Pose;
  color: Color;
  kind: 'plug' | 'nut';
  alteration?: Alteration;
}

interface TrayLayout extends Damageable {
  readonly plugs: Plug[];
  readonly tray: Color;
  readonly seed: number;
  readonly plugColor: Color;
}

function middleOf(compartment: number): Point {
  const column = compartment % COLUMNS;
  const row = (compartment - column) / COLUMNS;
  return [0.5 + (column - (COLUMNS - 1) / 2) * PITCH_X, 0.5 + (row - (ROWS - 1) / 2) * PITCH_Y];
}

function compartmentShape(compartment: number): Shape {
  const [x, y] = middleOf(compartment);
  return rectangle(x, y, HALF_WIDTH, HALF_HEIGHT, 0.02);
}

const TRAY = rectangle(0.5, 0.5, 0.465, 0.45, 0.035);

/** A screw plug that lies along x: threaded stem, collar, cap. */
function plug(color: Color, light: readonly [number, number]): Part {
  const stem = rectangle(0.028, 0, 0.036, 0.015, 0.006);
  const collar = rectangle(-0.012, 0, 0.009, 0.036, 0.006);
  const cap = rectangle(-0.042, 0, 0.024, 0.029, 0.012);
  return {
    layers: [
      { shape: stem, paint: rod([0.72, 0.73, 0.76], 0.015, light, 85) },
      { shape: cap, paint: beveled(plain(color), cap, { width: 0.014, strength: 0.4, light }) },
      {
        shape: collar,
        paint: beveled(plain(scaled(color, 0.82)), collar, { width: 0.006, strength: 0.45, light }),
      },
    ],
    outline: union(stem, collar, cap),
    height: 0.014,
  };
}

/** A hexagonal nut, which is an anomaly here. */
function nut(light: readonly [number, number]): Part {
  const ring = difference(polygon(regularPoints(6, 0.046)), circle(0, 0, 0.023));
  return flat(ring, beveled(plain([0.4, 0.4, 0.43]), ring, { width: 0.01, strength: 0.4, light }), 0.012);
}

function plugPart({ pose, color, kind, alteration }: Plug): Part {
  const light = lightOn(pose);
  const part = kind === 'plug' ? plug(color, light) : nut(light);
  return placePart(alteration ? alteration(part) : part, pose);
}

/** Pose of a plug in its compartment, `lift` above the center. */
function restingPose(compartment: number, draws: Draws, lift = 0): Pose {
  const [x, y] = middleOf(compartment);
  return {
    x: x + draws.bell(0.012),
    y: y - lift + draws.bell(lift === 0 ? 0.024 : 0.004),
    angle: degrees(draws.between(0, 360)),
  };
}

function crowded(layout: TrayLayout, compartment: number, draws: Draws): Plug {
  const first = layout.plugs.find((each) => each.compartment === compartment)!;
  const flatAngle = (): number => degrees(draws.bell(14) + (draws.integer(2) === 0 ? 0 : 180));
  first.pose = { ...restingPose(compartment, draws, 0.058), angle: flatAngle() };
  const second: Plug = { ...first, pose: { ...restingPose(compartment, draws, -0.058), angle: flatAngle() } };
  layout.plugs.push(second);
  return second;
}

function aPlug(layout: TrayLayout, draws: Draws): Plug {
  return draws.pick(layout.plugs);
}

function remove(layout: TrayLayout, gone: Plug): void {
  layout.plugs.splice(layout.plugs.indexOf(gone), 1);
}

export const tray = defineCategory<TrayLayout>({
  name: 'tray',
  rule: 'A tray of twelve compartments; one plug in each, all of one color.',
  layout(draws) {
    const plugColor: Color = [0.92 + draws.bell(0.02), draws.between(0.42, 0.72), 0.1 + draws.bell(0.02)];
    const plugs = Array.from({ length: COLUMNS * ROWS }, (_, compartment): Plug => {
      return { compartment, pose: restingPose(compartment, draws), color: plugColor, kind: 'plug' };
    });
    const tint = draws.bell(0.05);
    const color: Color = [0.72 + tint, 0.74 + tint, 0.75 + tint];
    return { plugs, tray: color, seed: draws.seed(), plugColor, overlays: [] };
  },
  parts({ plugs, tray: color, seed, overlays }) {
    const table = grained(plain([0.3, 0.34, 0.4]), 0.16, 26, seed, 5);
    const body = beveled(grained(plain(color), 0.03, 60, seed + 7), TRAY, { width: 0.012, strength: 0.3 });
    const floors = Array.from({ length: COLUMNS * ROWS }, (_, compartment) => {
      const shape = compartmentShape(compartment);
      const floor = grained(plain(mixed(color, [0.42, 0.46, 0.5], 0.55)), 0.05, 70, seed + compartment);
      return flat(shape, beveled(floor, shape, { width: 0.014, strength: -0.4 }));
    });
    return [
      flat(rectangle(0.5, 0.5, 0.8, 0.8), table),
      flat(TRAY, body, 0.02),
      ...floors,
      ...plugs.map(plugPart),
      ...overlays,
    ];
  },
  anomalies: [
    {
      name: 'missing_plug',
      kind: 'logical_anomalies',
      shows: 'a compartment is empty',
      saturation: areaOf(PLUG_AREA),
      apply(layout, draws) {
        const gone = aPlug(layout, draws);
        remove(layout, gone);
        return [compartmentShape(gone.compartment)];
      },
    },
    {
      name: 'additional_plug',
      kind: 'logical_anomalies',
      shows: 'a compartment holds two plugs',
      saturation: areaOf(PLUG_AREA),
      apply(layout, draws) {
        const compartment = draws.integer(COLUMNS * ROWS);
        const second = crowded(layout, compartment, draws);
        const first = layout.plugs.find((each) => each.compartment === compartment)!;
        return [union(plugPart(first).outline, plugPart(second).outline)];
      },
    },
    {
      name: 'misplaced_plug',
      kind: 'logical_anomalies',
      shows: 'a plug lies across a wall of the tray',
      saturation: areaOf(PLUG_AREA),
      apply(layout, draws) {
        const column = draws.integer(COLUMNS - 1);
        const row = draws.integer(ROWS);
        const moved = layout.plugs[row * COLUMNS + column]!;
        const [x, y] = middleOf(moved.compartment);
        // On the side where the neighbor leaves space.
        const away = layout.plugs[row * COLUMNS + column + 1]!.pose.y > y ? -1 : 1;
        moved.pose = { x: x + PITCH_X / 2, y: y + away * 0.075, angle: degrees(draws.bell(10)) };
        return [plugPart(moved).outline, compartmentShape(moved.compartment)];
      },
    },
    {
      name: 'swapped_count',
      kind: 'logical_anomalies',
      shows: 'one compartment is empty and another holds two plugs',
      saturation: areaOf(PLUG_AREA),
      apply(layout, draws) {
        const [empty, full] = draws.shuffled(layout.plugs.map((each) => each.compartment)).slice(0, 2) as [
          number,
          number,
        ];
        const second = crowded(layout, full, draws);
        const first = layout.plugs.find((each) => each.compartment === full)!;
        remove(layout, layout.plugs.find((each) => each.compartment === empty)!);
        return [compartmentShape(empty), union(plugPart(first).outline, plugPart(second).outline)];
      },
    },
    {
      name: 'wrong_color',
      kind: 'logical_anomalies',
      shows: 'a plug has another color',
      saturation: WHOLE,
      apply(layout, draws, strength) {
        const wrong = aPlug(layout, draws);
        const other = draws.pick<Color>([
          [0.16, 0.42, 0.78],
          [0.2, 0.6, 0.28],
          [0.78, 0.14, 0.2],
        ]);
        wrong.color = mixed(wrong.color, other, 0.4 + 0.6 * strength);
        return [plugPart(wrong).outline];
      },
    },
    {
      name: 'wrong_part',
      kind: 'logical_anomalies',
      shows: 'a nut lies where a plug should',
      saturation: WHOLE,
      apply(layout, draws) {
        const wrong = aPlug(layout, draws);
        wrong.kind = 'nut';
        return [plugPart(wrong).outline];
      },
    },
    {
      name: 'broken_plug',
      kind: 'structural_anomalies',
      shows: "a plug's stem or cap has broken off",
      saturation: WHOLE,
      apply(layout, draws, strength) {
        const broken = aPlug(layout, draws);
        const fromStem = draws.integer(2) === 0;
        const at = fromStem ? 0.048 - 0.036 * strength : -0.054 + 0.02 * strength;
        const lost = jaggedHalfPlane(at, 0, fromStem ? 0.2 : 3.34, 0.008, draws.seed());
        const whole = plugPart(broken).outline;
        broken.alteration = (part) => cutPart(part, lost);
        return [intersection(whole, placed({ ...lost, box: rectangle(0, 0, 0.1, 0.1).box }, broken.pose))];
      },
    },
    {
      name: 'bent_plug',
      kind: 'structural_anomalies',
      shows: "a plug's stem is bent",
      saturation: WHOLE,
      apply(layout, draws, strength) {
        const bent = aPlug(layout, draws);
        const slope = draws.sign() * (0.45 + 0.4 * strength);
        bent.alteration = (part) => bendPart(part, 0.006, slope);
        const stem = intersection(plugPart(bent).outline, placed(rectangle(0.06, 0, 0.06, 0.12), bent.pose));
        return [grown(stem, 0.003)];
      },
    },
    onSurface('scratch', 'scratch', 'the floor of a compartment is scratched', (_layout, draws) => {
      const compartment = draws.integer(COLUMNS * ROWS);
      const [x, y] = middleOf(compartment);
      return {
        x: x + draws.bell(0.02),
        y: y + draws.sign() * draws.between(0.05, 0.09),
        angle: degrees(draws.bell(16)),
        within: compartmentShape(compartment),
      };
    }),
    onSurface('crack', 'crack', 'a wall of the tray is cracked', (_layout, draws) => {
      const row = draws.integer(ROWS - 1);
      return {
        x: 0.5 + draws.between(-0.3, 0.3),
        y: 0.5 + (row - (ROWS - 2) / 2) * PITCH_Y,
        angle: degrees(draws.bell(35)),
        within: TRAY,
      };
    }),
    onSurface('contamination', 'contamination', 'a crumb of dirt lies in the tray', (_layout, draws) => {
      const compartment = draws.integer(COLUMNS * ROWS);
      const [x, y] = middleOf(compartment);
      const angle = degrees(draws.between(0, 180));
      return {
        x: x + draws.sign() * 0.05,
        y: y + draws.sign() * 0.08,
        angle,
        within: compartmentShape(compartment),
      };
    }),
    onSurface('stain', 'stain', 'something was spilt on the tray', (_layout, draws) => {
      const compartment = draws.integer(COLUMNS * ROWS);
      const [x, y] = middleOf(compartment);
      return {
        x: x + draws.bell(0.02),
        y: y + draws.sign() * draws.between(0.06, 0.1),
        angle: degrees(draws.between(0, 180)),
        within: TRAY,
      };
    }),
  ],
});
