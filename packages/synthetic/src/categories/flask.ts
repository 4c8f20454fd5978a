import { onSurface, type Damageable, type Spot } from '../defects/surface.js';
import { degrees, type Draws } from '../math.js';

import { mixed, type Color } from '../raster/blend.js';
import { beveled, grained, plain, type Paint } from '../raster/paint.js';
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
import { defineCategory, WHOLE } from '../scene/definition.js';
import { cutPart, flat, placePart, type Alteration, type Part } from '../scene/part.js';

const FILL = 0.385;
const MAIN: Pose = { x: 0.5, y: 0.6, angle: 0 };
const FOOT: Pose = { x: 0.5, y: 0.82, angle: 0 };
const GLASS = union(
  rectangle(0.5, 0.645, 0.215, 0.29, 0.05),
  polygon([
    [0.432, 0.3],
    [0.568, 0.3],
    [0.706, 0.4],
    [0.715, 0.46],
    [0.285, 0.46],
    [0.294, 0.4],
  ]),
  rectangle(0.5, 0.24, 0.068, 0.12, 0.01),
);
const CAP = rectangle(0, 0, 0.085, 0.05, 0.014);
const MAIN_LABEL = rectangle(0, 0, 0.15, 0.105, 0.012);
const FOOT_LABEL = rectangle(0, 0, 0.15, 0.052, 0.01);

type Kind = 0 | 1 | 2;

/** Colors of the juices, and of the matching labels. */
const COLORS: readonly Color[] = [
  [0.93, 0.62, 0.12],
  [0.52, 0.2, 0.56],
  [0.4, 0.66, 0.24],
];

const ICONS: readonly Shape[] = [
  // A sun.
  union(
    circle(0, 0, 0.03),
    polygon(
      regularPoints(20, 1).map(([x, y], i): Point => {
        const radius = i % 2 === 0 ? 0.056 : 0.034;
        return [x * radius, y * radius];
      }),
    ),
  ),
  // A drop.
  union(
    circle(0, 0.016, 0.036),
    polygon([
      [0, -0.058],
      [0.0335, 0.002],
      [-0.0335, 0.002],
    ]),
  ),
  // A leaf.
  union(intersection(circle(-0.026, 0, 0.058), circle(0.026, 0, 0.058)), rectangle(0, 0.05, 0.004, 0.016)),
];

interface Label {
  pose: Pose;
  present: boolean;
  kind: Kind;
  alteration?: Alteration;
}

interface FlaskLayout extends Damageable {
  liquid: Kind;
  fill: number;
  readonly main: Label & { icon: boolean };
  readonly foot: Label;
  cap: Pose;
  dent?: Shape;
  readonly seed: number;
  readonly wall: Color;
}

const PAPER: Color = [0.94, 0.93, 0.88];

/** The shape of a label and the print on it, as one part. */
function labelPart(shape: Shape, print: readonly (readonly [Shape, Paint])[]): Part {
  const paper = { shape, paint: beveled(plain(PAPER), shape, { width: 0.006, strength: 0.15 }) };
  return {
    layers: [paper, ...print.map(([ink, paint]) => ({ shape: ink, paint }))],
    outline: shape,
    height: 0.004,
  };
}

function finish(part: Part, { pose, alteration }: Label): Part {
  return placePart(alteration ? alteration(part) : part, pose);
}

function iconShape(kind: Kind): Shape {
  return placed(ICONS[kind]!, { x: 0, y: -0.018, angle: 0 });
}

function mainLabel(label: FlaskLayout['main']): Part {
  const ink = mixed(COLORS[label.kind]!, [0, 0, 0], 0.12);
  const name = rectangle(0, 0.074, 0.08, 0.008, 0.004);
  const frame = difference(grown(MAIN_LABEL, -0.009), grown(MAIN_LABEL, -0.014));
  return finish(
    labelPart(MAIN_LABEL, [
      [frame, plain([0.3, 0.3, 0.34])],
      [name, plain([0.2, 0.2, 0.24])],
      ...(label.icon ? [[iconShape(label.kind), plain(ink)] as const] : []),
    ]),
    label,
  );
}

function footLabel(label: Label): Part {
  const strip = rectangle(-0.085, 0, 0.045, 0.032, 0.006);
  const lines = union(
    rectangle(0.04, -0.02, 0.07, 0.007),
    rectangle(0.03, 0.002, 0.06, 0.007),
    rectangle(0.045, 0.024, 0.075, 0.007),
  );
  return finish(
    labelPart(FOOT_LABEL, [
      [strip, plain(mixed(COLORS[label.kind]!, [0, 0, 0], 0.12))],
      [lines, plain([0.35, 0.35, 0.4])],
    ]),
    label,
  );
}

function other(kind: Kind, draws: Draws): Kind {
  return ((kind + 1 + draws.integer(2)) % 3) as Kind;
}

/** The glass between two heights. */
function stretch(from: number, to: number): Shape {
  const strip = rectangle(0.5, (from + to) / 2, 0.4, Math.abs(from - to) / 2);
  return intersection(grown(GLASS, -0.012), strip);
}

function onGlass(draws: Draws, y: number): Spot {
  return { x: 0.5 + draws.bell(0.03), y, angle: degrees(draws.bell(30)), within: GLASS };
}

export const flask = defineCategory<FlaskLayout>({
  name: 'flask',
  rule: 'A flask filled to its shoulder with amber, violet or green juice; above, a label with the icon of that juice (sun, drop, leaf) in its color, and below, one with a field of its color.',
  layout(draws) {
    const kind = draws.integer(3) as Kind;
    const shaken = ({ x, y }: Pose): Pose => ({
      x: x + draws.bell(0.004),
      y: y + draws.bell(0.004),
      angle: degrees(draws.bell(0.8)),
    });
    return {
      liquid: kind,
      fill: FILL + draws.bell(0.005),
      main: { pose: shaken(MAIN), present: true, kind, icon: true },
      foot: { pose: shaken(FOOT), present: true, kind },
      cap: { x: 0.5, y: 0.115, angle: degrees(draws.bell(0.5)) },
      seed: draws.seed(),
      wall: mixed([0.84, 0.85, 0.86], [0.62, 0.66, 0.7], draws.between(0, 1)),
      overlays: [],
    };
  },
  parts({ liquid, fill, main, foot, cap, dent, seed, wall: tone, overlays }) {
    const wall = grained(plain(tone), 0.05, 7, seed);
    const shelf = grained(plain([0.55, 0.5, 0.45]), 0.12, 40, seed + 2, 6);
    const glass = dent ? difference(GLASS, dent) : GLASS;
    const glassPaint = beveled(plain([0.86, 0.9, 0.91], 0.75), glass, { width: 0.03, strength: 0.22 });
    const inside = intersection(grown(glass, -0.012), rectangle(0.5, fill + 0.5, 0.5, 0.5));
    const surface = intersection(grown(glass, -0.012), rectangle(0.5, fill + 0.005, 0.5, 0.005));
    const color = COLORS[liquid]!;
    const juice: Paint = (x, _y, _distance, out) => {
      const across = (x - 0.46) / 0.25;
      const shade = 1.04 - 0.32 * across * across;
      out[0] = color[0] * shade;
      out[1] = color[1] * shade;
      out[2] = color[2] * shade;
      out[3] = 0.92;
    };
    const shine = union(rectangle(0.32, 0.66, 0.008, 0.2, 0.008), rectangle(0.452, 0.23, 0.006, 0.06, 0.006));
    const lid = flat(CAP, beveled(plain([0.22, 0.24, 0.3]), CAP, { width: 0.016, strength: 0.5 }), 0.01);
    return [
      flat(rectangle(0.5, 0.5, 0.8, 0.8), wall),
      flat(rectangle(0.5, 1.36, 0.9, 0.5), shelf),
      flat(glass, glassPaint, 0.02),
      flat(inside, grained(juice, 0.03, 12, seed + 4)),
      flat(surface, plain(mixed(color, [1, 1, 1], 0.45), 0.8)),
      ...(main.present ? [mainLabel(main)] : []),
      ...(foot.present ? [footLabel(foot)] : []),
      flat(intersection(shine, glass), plain([1, 1, 1], 0.45)),
      placePart(lid, cap),
      ...overlays,
    ];
  },
  anomalies: [
    {
      name: 'underfilled',
      kind: 'logical_anomalies',
      shows: 'the juice stands too low',
      saturation: WHOLE,
      apply(layout, _draws, strength) {
        const from = layout.fill;
        layout.fill += 0.03 + 0.065 * strength;
        return [stretch(from, layout.fill)];
      },
    },
    {
      name: 'overfilled',
      kind: 'logical_anomalies',
      shows: 'the juice stands in the neck',
      saturation: WHOLE,
      apply(layout, _draws, strength) {
        const from = layout.fill;
        layout.fill -= 0.03 + 0.12 * strength;
        return [stretch(layout.fill, from)];
      },
    },
    {
      name: 'wrong_icon',
      kind: 'logical_anomalies',
      shows: 'the icon is that of another juice',
      saturation: WHOLE,
      apply({ main }, draws) {
        main.kind = other(main.kind, draws);
        return [placed(grown(union(iconShape(main.kind), circle(0, -0.018, 0.045)), 0.004), main.pose)];
      },
    },
    {
      name: 'wrong_juice',
      kind: 'logical_anomalies',
      shows: 'both labels agree, the juice is another',
      saturation: { relative: true, share: 0.3 },
      apply(layout, draws) {
        layout.liquid = other(layout.liquid, draws);
        const labels = union(mainLabel(layout.main).outline, footLabel(layout.foot).outline);
        return [difference(stretch(layout.fill, 0.94), labels)];
      },
    },
    {
      name: 'wrong_foot_label',
      kind: 'logical_anomalies',
      shows: "the lower label's field has the color of another juice",
      saturation: WHOLE,
      apply({ foot }, draws) {
        foot.kind = other(foot.kind, draws);
        return [placed(rectangle(-0.085, 0, 0.045, 0.032, 0.006), foot.pose)];
      },
    },
    {
      name: 'missing_icon',
      kind: 'logical_anomalies',
      shows: 'the upper label shows no icon',
      saturation: WHOLE,
      apply({ main }) {
        main.icon = false;
        return [placed(iconShape(main.kind), main.pose)];
      },
    },
    {
      name: 'missing_label',
      kind: 'logical_anomalies',
      shows: 'a label is missing',
      saturation: WHOLE,
      apply({ main, foot }, draws) {
        const gone = draws.pick([main, foot]);
        gone.present = false;
        return [gone === main ? mainLabel(main).outline : footLabel(foot).outline];
      },
    },
    {
      name: 'misplaced_label',
      kind: 'logical_anomalies',
      shows: 'the upper label sits askew or off its place',
      saturation: WHOLE,
      apply({ main }, draws, strength) {
        const home = mainLabel(main).outline;
        main.pose = {
          x: main.pose.x + draws.sign() * (0.012 + 0.03 * strength),
          y: main.pose.y - 0.008 - 0.02 * strength,
          angle: draws.sign() * degrees(4 + 7 * strength),
        };
        return [union(home, mainLabel(main).outline)];
      },
    },
    {
      name: 'swapped_labels',
      kind: 'logical_anomalies',
      shows: 'the labels have changed places',
      saturation: WHOLE,
      apply({ main, foot }) {
        // Their centers keep the same margins, so that both still fit on the glass.
        main.pose = { ...main.pose, y: FOOT.y - 0.052 };
        foot.pose = { ...foot.pose, y: MAIN.y - 0.052 };
        return [mainLabel(main).outline, footLabel(foot).outline];
      },
    },
    {
      name: 'torn_label',
      kind: 'structural_anomalies',
      shows: 'a corner of the upper label is torn off',
      saturation: WHOLE,
      apply({ main }, draws, strength) {
        const whole = mainLabel(main).outline;
        const side = draws.sign();
        const reach = 0.16 - 0.07 * strength;
        const lost = jaggedHalfPlane(side * reach, -0.05, degrees(side > 0 ? -35 : 215), 0.014, draws.seed());
        main.alteration = (part) => cutPart(part, lost);
        return [intersection(whole, placed({ ...lost, box: rectangle(0, 0, 0.2, 0.2).box }, main.pose))];
      },
    },
    {
      name: 'deformed_flask',
      kind: 'structural_anomalies',
      shows: 'the side of the flask is dented',
      saturation: WHOLE,
      apply(layout, draws, strength) {
        const side = draws.sign();
        const radius = 0.07 + 0.02 * strength;
        const dent = circle(
          0.5 + side * (0.215 + radius - 0.02 - 0.025 * strength),
          draws.between(0.5, 0.84),
          radius,
        );
        layout.dent = dent;
        return [intersection(GLASS, dent)];
      },
    },
    {
      name: 'deformed_cap',
      kind: 'structural_anomalies',
      shows: 'the cap sits askew',
      saturation: WHOLE,
      apply(layout, draws, strength) {
        const home = placed(CAP, layout.cap);
        const angle = draws.sign() * degrees(6 + 9 * strength);
        layout.cap = { x: layout.cap.x + draws.sign() * 0.012, y: layout.cap.y - 0.01, angle };
        return [union(home, placed(CAP, layout.cap))];
      },
    },
    onSurface('crack', 'crack', 'the glass is cracked', (_layout, draws) =>
      onGlass(draws, draws.pick([0.44, 0.735, 0.27])),
    ),
    onSurface('scratch', 'scratch', 'the glass, or the label behind it, is scratched', (_layout, draws) =>
      onGlass(draws, draws.pick([0.445, 0.6, 0.735])),
    ),
    onSurface('contamination', 'contamination', 'something swims in the juice', (_layout, draws) => ({
      ...onGlass(draws, draws.pick([0.445, 0.735])),
      x: 0.5 + draws.sign() * draws.between(0.02, 0.14),
    })),
    onSurface('stain', 'stain', 'the upper label is stained', (_layout, draws) => ({
      ...onGlass(draws, 0.6 + draws.sign() * 0.05),
      x: 0.5 + draws.sign() * draws.between(0.07, 0.11),
    })),
  ],
});
