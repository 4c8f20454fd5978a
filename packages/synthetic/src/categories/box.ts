import { onSurface, type Damageable } from '../defects/surface.js';
import { degrees, type Draws } from '../math.js';

import { mixed, type Color } from '../raster/blend.js';
import { beveled, grained, granules, lightOn, plain } from '../raster/paint.js';
import {
  circle,
  difference,
  ellipse,
  grown,
  intersection,
  jaggedHalfPlane,
  placed,
  rectangle,
  union,
  wobbled,
  type Pose,
  type Shape,
} from '../raster/shape.js';
import { areaOf, defineCategory, HALF, WHOLE } from '../scene/definition.js';
import { cutPart, flat, placePart, type Alteration, type Part } from '../scene/part.js';

const BOX = rectangle(0.5, 0.5, 0.46, 0.42, 0.03);
const LEFT = rectangle(0.285, 0.5, 0.205, 0.375, 0.02);
const RIGHT = rectangle(0.725, 0.5, 0.195, 0.375, 0.02);

const RADIUS = 0.064;
const BEAD_AREA = 0.0118;
/** Fraction of the right half that is filled with pebbles. */
const PEBBLES = 0.6;

const BLUE: Color = [0.16, 0.36, 0.72];
const OCHRE: Color = [0.9, 0.66, 0.2];
const RED: Color = [0.8, 0.16, 0.18];

const STONES: readonly Color[] = [
  [0.62, 0.61, 0.6],
  [0.72, 0.7, 0.67],
  [0.5, 0.5, 0.52],
  [0.66, 0.6, 0.54],
];
const LEAVES: readonly Color[] = [
  [0.32, 0.56, 0.2],
  [0.44, 0.64, 0.22],
  [0.24, 0.46, 0.2],
  [0.6, 0.68, 0.26],
];

interface Bead {
  pose: Pose;
  color: Color;
  /** Width over height; 1 is round. */
  flatness: number;
  alteration?: Alteration;
}

interface BoxLayout extends Damageable {
  readonly beads: Bead[];
  readonly seed: number;
  /** 0 pale to 1 dark, for walls and floor. */
  readonly wood: number;
  readonly paper: number;
  pebbles: number;
  pebblesOnTop: boolean;
}

function beadPart({ pose, color, flatness, alteration }: Bead): Part {
  const body = flatness === 1 ? circle(0, 0, RADIUS) : ellipse(0, 0, RADIUS * flatness, RADIUS / flatness);
  const shape = difference(body, circle(0, 0, 0.02));
  const part = flat(
    shape,
    beveled(plain(color), shape, { width: 0.03, strength: 0.45, light: lightOn(pose) }),
    0.016,
  );
  return placePart(alteration ? alteration(part) : part, pose);
}

function slotPose(slot: number, draws: Draws): Pose {
  const column = slot % 2;
  const row = (slot - column) / 2;
  return {
    x: 0.285 + (column - 0.5) * 0.2 + draws.bell(0.011),
    y: 0.5 + (row - 1) * 0.235 + draws.bell(0.016),
    angle: 0,
  };
}

/** The height of the border between the two fillings. */
function border(share: number, onTop: boolean): number {
  const { top, bottom } = RIGHT.box;
  return onTop ? top + share * (bottom - top) : bottom - share * (bottom - top);
}

function below(y: number): Shape {
  return rectangle(0.725, y + 0.5, 0.3, 0.5);
}

function ofColor(layout: BoxLayout, color: Color): Bead[] {
  return layout.beads.filter((bead) => bead.color === color);
}

function outlines(beads: readonly Bead[]): Shape {
  return union(...beads.map((bead) => beadPart(bead).outline));
}

export const box = defineCategory<BoxLayout>({
  name: 'box',
  rule: 'A box of two halves: six beads on the left, four blue and two ochre; on the right three fifths pebbles, and leaves above them.',
  layout(draws) {
    const colors = draws.shuffled([BLUE, BLUE, BLUE, BLUE, OCHRE, OCHRE]);
    return {
      beads: colors.map((color, slot) => ({ pose: slotPose(slot, draws), color, flatness: 1 })),
      seed: draws.seed(),
      wood: draws.between(0, 1),
      paper: draws.between(0, 1),
      pebbles: PEBBLES + draws.bell(0.012),
      pebblesOnTop: false,
      overlays: [],
    };
  },
  parts({ beads, seed, wood, paper, pebbles, pebblesOnTop, overlays }) {
    const table = grained(plain([0.34, 0.24, 0.17]), 0.22, 30, seed, 9);
    const walls = beveled(
      grained(plain(mixed([0.87, 0.77, 0.6], [0.7, 0.56, 0.38], wood)), 0.06, 36, seed + 2, 6),
      BOX,
      {
        width: 0.012,
        strength: 0.35,
      },
    );
    const floor = grained(plain(mixed([0.88, 0.85, 0.79], [0.74, 0.7, 0.64], paper)), 0.04, 60, seed + 4);
    const line = wobbled(below(border(pebbles, pebblesOnTop)), 0.016, 14, seed + 6);
    const stones = granules(STONES, 27, seed + 8);
    const leaves = granules(LEAVES, 25, seed + 9, 1.7);
    return [
      flat(rectangle(0.5, 0.5, 0.8, 0.8), table),
      flat(BOX, walls, 0.025),
      flat(LEFT, beveled(floor, LEFT, { width: 0.016, strength: -0.4 })),
      flat(RIGHT, pebblesOnTop ? stones : leaves),
      flat(intersection(RIGHT, line), pebblesOnTop ? leaves : stones),
      ...beads.map(beadPart),
      ...overlays,
    ];
  },
  anomalies: [
    {
      name: 'missing_bead',
      kind: 'logical_anomalies',
      shows: 'five beads instead of six',
      saturation: WHOLE,
      apply(layout, draws) {
        const [gone] = layout.beads.splice(draws.integer(6), 1);
        return [grown(beadPart(gone!).outline, 0.004)];
      },
    },
    {
      name: 'additional_bead',
      kind: 'logical_anomalies',
      shows: 'seven beads instead of six',
      saturation: WHOLE,
      apply(layout, draws) {
        const y = 0.5 + draws.sign() * 0.1175;
        const extra = { pose: { x: 0.285, y, angle: 0 }, color: draws.pick([BLUE, OCHRE]), flatness: 1 };
        layout.beads.push(extra);
        return [beadPart(extra).outline];
      },
    },
    {
      name: 'wrong_ratio_of_beads',
      kind: 'logical_anomalies',
      shows: 'the beads are not four blue and two ochre',
      saturation: areaOf(BEAD_AREA),
      apply(layout, draws, strength) {
        const [from, to] = draws.integer(2) === 0 ? ([BLUE, OCHRE] as const) : ([OCHRE, BLUE] as const);
        for (const bead of ofColor(layout, from).slice(0, strength < 1 || from === OCHRE ? 1 : 2))
          bead.color = to;
        return [outlines(ofColor(layout, to))];
      },
    },
    {
      name: 'wrong_color',
      kind: 'logical_anomalies',
      shows: 'a red bead',
      saturation: WHOLE,
      apply(layout, draws, strength) {
        const wrong = draws.pick(layout.beads);
        wrong.color = mixed(wrong.color, RED, 0.35 + 0.65 * strength);
        return [beadPart(wrong).outline];
      },
    },
    {
      name: 'misplaced_bead',
      kind: 'logical_anomalies',
      shows: 'a bead lies in the right half',
      saturation: WHOLE,
      apply(layout, draws) {
        const moved = draws.pick(layout.beads);
        const home = grown(beadPart(moved).outline, 0.004);
        moved.pose = { x: draws.between(0.63, 0.82), y: draws.between(0.22, 0.78), angle: 0 };
        return [beadPart(moved).outline, home];
      },
    },
    {
      name: 'wrong_proportion',
      kind: 'logical_anomalies',
      shows: 'too few or too many pebbles for the leaves',
      saturation: WHOLE,
      apply(layout, draws, strength) {
        const from = border(layout.pebbles, false);
        layout.pebbles += draws.pick([-1, 0.75]) * (0.12 + 0.22 * strength);
        const to = border(layout.pebbles, false);
        const strip = rectangle(0.725, (from + to) / 2, 0.3, Math.abs(from - to) / 2);
        return [intersection(RIGHT, strip)];
      },
    },
    {
      name: 'swapped_fillings',
      kind: 'logical_anomalies',
      shows: 'the pebbles lie above the leaves',
      saturation: HALF,
      apply(layout) {
        layout.pebblesOnTop = true;
        return [RIGHT];
      },
    },
    {
      name: 'broken_bead',
      kind: 'structural_anomalies',
      shows: 'a piece of a bead has broken off',
      saturation: WHOLE,
      apply(layout, draws, strength) {
        const broken = draws.pick(layout.beads);
        broken.pose = { ...broken.pose, angle: degrees(draws.between(0, 360)) };
        const whole = beadPart(broken).outline;
        const lost = jaggedHalfPlane(0.05 - 0.035 * strength, 0, 0, 0.012, draws.seed());
        broken.alteration = (part) => cutPart(part, lost);
        return [intersection(whole, placed({ ...lost, box: rectangle(0, 0, 0.1, 0.1).box }, broken.pose))];
      },
    },
    {
      name: 'deformed_bead',
      kind: 'structural_anomalies',
      shows: 'a bead is squashed',
      saturation: WHOLE,
      apply(layout, draws, strength) {
        const squashed = draws.pick(layout.beads);
        squashed.flatness = 1.12 + 0.22 * strength;
        squashed.pose = { ...squashed.pose, angle: degrees(draws.between(20, 160)) };
        return [beadPart(squashed).outline];
      },
    },
    onSurface('crack', 'crack', 'the floor of the left half is cracked', (_layout, draws) => ({
      x: 0.285 + draws.bell(0.02),
      y: 0.5 + draws.sign() * 0.1175,
      angle: degrees(draws.bell(14)),
      within: LEFT,
    })),
    onSurface('scratch', 'scratch', 'the floor of the left half is scratched', (_layout, draws) => ({
      x: 0.285 + draws.bell(0.03),
      y: 0.5 + draws.sign() * 0.12,
      angle: degrees(draws.bell(12)),
      within: LEFT,
    })),
    onSurface('contamination', 'contamination', 'a crumb of dirt lies in the box', (_layout, draws) => {
      const angle = degrees(draws.between(0, 180));
      if (draws.integer(2) === 0) return { x: 0.285, y: 0.5 + draws.sign() * 0.1175, angle };
      return { x: draws.between(0.6, 0.85), y: draws.between(0.2, 0.8), angle };
    }),
    onSurface('stain', 'stain', 'something was spilt into the box', (_layout, draws) => ({
      x: draws.pick([0.285, 0.49]) + draws.bell(0.02),
      y: draws.between(0.2, 0.8),
      angle: degrees(draws.between(0, 180)),
      within: BOX,
    })),
  ],
});
