import { onSurface, type Damageable, type Spot } from '../defects/surface.js';
import { cosine, degrees, type Draws, length, sine, valueNoise } from '../math.js';

import { mixed, type Color } from '../raster/blend.js';
import { beveled, grained, lightOn, plain, rod } from '../raster/paint.js';
import {
  band,
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

const { abs } = Math;

const LONG = 0.34;
const SHORT = 0.22;
const NUT_AREA = 0.0049;
const RING_AREA = 0.0047;
/** Area of a short bolt. */
const BOLT_AREA = 0.007;

const BAG = rectangle(0.5, 0.52, 0.42, 0.385, 0.05);
const INSIDE = rectangle(0.5, 0.54, 0.385, 0.335, 0.04);
const SEAL = rectangle(0.5, 0.165, 0.42, 0.024, 0.012);

const STEEL: Color = [0.66, 0.68, 0.72];
const BRASS: Color = [0.86, 0.64, 0.22];
const COPPER: Color = [0.8, 0.36, 0.16];

type Kind = 'bolt' | 'nut' | 'ring';

interface Piece {
  kind: Kind;
  pose: Pose;
  /** Length of a bolt. */
  length: number;
  color: Color;
  alteration?: Alteration;
}

interface BagLayout extends Damageable {
  readonly pieces: Piece[];
  readonly seed: number;
}

function bolt(size: number, color: Color, light: readonly [number, number]): Part {
  const shaft = rectangle(0.016, 0, size / 2 - 0.016, 0.013, 0.005);
  const head = rectangle(-size / 2 + 0.018, 0, 0.018, 0.032, 0.006);
  return {
    layers: [
      { shape: shaft, paint: rod(color, 0.013, light, 75) },
      {
        shape: head,
        paint: beveled(plain(mixed(color, [1, 1, 1], 0.12)), head, { width: 0.012, strength: 0.4, light }),
      },
    ],
    outline: union(shaft, head),
    height: 0.012,
  };
}

function nut(color: Color, light: readonly [number, number]): Part {
  const shape = difference(polygon(regularPoints(6, 0.05)), circle(0, 0, 0.022));
  return flat(shape, beveled(plain(color), shape, { width: 0.012, strength: 0.45, light }), 0.012);
}

function ring(color: Color, light: readonly [number, number]): Part {
  const shape = band(circle(0, 0, 0.034), 0.011);
  return flat(shape, beveled(plain(color), shape, { width: 0.009, strength: 0.4, light }), 0.006);
}

function pieceIn({ kind, pose, length: size, color, alteration }: Piece): Part {
  const light = lightOn(pose);
  const part =
    kind === 'bolt' ? bolt(size, color, light) : kind === 'nut' ? nut(color, light) : ring(color, light);
  return placePart(alteration ? alteration(part) : part, pose);
}

/** Circles that cover a piece. */
function covers({ kind, pose, length: size }: Piece): Point[] {
  if (kind !== 'bolt') return [[pose.x, pose.y]];
  const steps = 6;
  return Array.from({ length: steps + 1 }, (_, i): Point => {
    const along = (i / steps - 0.5) * (size - 0.04);
    return [pose.x + along * cosine(pose.angle), pose.y + along * sine(pose.angle)];
  });
}

const RADIUS: Readonly<Record<Kind, number>> = { bolt: 0.036, nut: 0.053, ring: 0.047 };

function isFree(piece: Piece, others: readonly Piece[]): boolean {
  const own = covers(piece);
  const fits = own.every(([x, y]) => INSIDE.distance(x, y) < -RADIUS[piece.kind]);
  return (
    fits &&
    others.every((other) => {
      const apart = RADIUS[piece.kind] + RADIUS[other.kind];
      return covers(other).every(([x, y]) => own.every(([u, v]) => length(x - u, y - v) > apart));
    })
  );
}

/** Places a piece where there is space; undefined if no position was found. */
function lay(piece: Omit<Piece, 'pose'>, others: readonly Piece[], draws: Draws): Piece | undefined {
  for (let attempt = 0; attempt < 300; attempt++) {
    const pose = {
      x: draws.between(0.14, 0.86),
      y: draws.between(0.24, 0.86),
      angle: degrees(draws.between(0, 360)),
    };
    const laid = { ...piece, pose };
    if (isFree(laid, others)) return laid;
  }
  return undefined;
}

function layAll(kinds: readonly Omit<Piece, 'pose'>[], draws: Draws): Piece[] {
  for (;;) {
    const pieces: Piece[] = [];
    for (const kind of kinds) {
      const laid = lay(kind, pieces, draws);
      if (!laid) break;
      pieces.push(laid);
    }
    if (pieces.length === kinds.length) return pieces;
  }
}

function all(layout: BagLayout, kind: Kind): Piece[] {
  return layout.pieces.filter((piece) => piece.kind === kind);
}

function outlines(pieces: readonly Piece[]): Shape {
  return union(...pieces.map((piece) => pieceIn(piece).outline));
}

/** Adds one piece. If the bag has no space left, everything is placed again. */
function addPiece(layout: BagLayout, kind: Kind, draws: Draws): void {
  const piece = { kind, length: 0, color: STEEL };
  const laid = lay(piece, layout.pieces, draws);
  if (laid) layout.pieces.push(laid);
  else layout.pieces.splice(0, layout.pieces.length, ...layAll([...layout.pieces, piece], draws));
}

function removeOne(layout: BagLayout, kind: Kind, draws: Draws): void {
  layout.pieces.splice(layout.pieces.indexOf(draws.pick(all(layout, kind))), 1);
}

/** A position on the film, away from the bag's edge. */
function onFilm(draws: Draws): Spot {
  return {
    x: draws.between(0.25, 0.75),
    y: draws.between(0.35, 0.75),
    angle: degrees(draws.between(0, 180)),
    within: BAG,
  };
}

export const bag = defineCategory<BagLayout>({
  name: 'bag',
  rule: 'A bag with two bolts of the same length (long or short), two nuts and three rings, all of steel.',
  layout(draws) {
    const size = draws.pick([LONG, SHORT]);
    const steel = mixed(STEEL, [0.7, 0.66, 0.6], draws.between(0, 0.5));
    const kinds: Kind[] = ['bolt', 'bolt', 'nut', 'nut', 'ring', 'ring', 'ring'];
    const pieces = layAll(
      kinds.map((kind) => ({ kind, length: kind === 'bolt' ? size : 0, color: steel })),
      draws,
    );
    return { pieces, seed: draws.seed(), overlays: [] };
  },
  parts({ pieces, seed, overlays }) {
    const table = grained(plain([0.2, 0.25, 0.3]), 0.12, 40, seed);
    const film = beveled(plain([0.62, 0.7, 0.76], 0.36), BAG, { width: 0.02, strength: 0.35 });
    const creases = flat(BAG, (x, y, _distance, out) => {
      const fold = abs(valueNoise(3.2 * x + 2 * y, 5 * y - 2.5 * x, seed + 3));
      out[0] = out[1] = out[2] = 1;
      out[3] = fold < 0.06 ? 0.16 * (1 - fold / 0.06) : 0;
    });
    const seal = beveled(grained(plain([0.18, 0.42, 0.66]), 0.08, 90, seed + 5), SEAL, {
      width: 0.01,
      strength: 0.4,
    });
    return [
      flat(rectangle(0.5, 0.5, 0.8, 0.8), table),
      flat(BAG, film, 0.01),
      ...pieces.map(pieceIn),
      creases,
      flat(SEAL, seal, 0.006),
      ...overlays,
    ];
  },
  anomalies: [
    {
      name: 'missing_bolt',
      kind: 'logical_anomalies',
      shows: 'one bolt instead of two',
      saturation: areaOf(BOLT_AREA),
      apply(layout, draws) {
        removeOne(layout, 'bolt', draws);
        return [INSIDE];
      },
    },
    {
      name: 'missing_nut',
      kind: 'logical_anomalies',
      shows: 'one nut instead of two',
      saturation: areaOf(NUT_AREA),
      apply(layout, draws) {
        removeOne(layout, 'nut', draws);
        return [INSIDE];
      },
    },
    {
      name: 'additional_nut',
      kind: 'logical_anomalies',
      shows: 'three nuts instead of two',
      saturation: areaOf(NUT_AREA),
      apply(layout, draws) {
        addPiece(layout, 'nut', draws);
        return [outlines(all(layout, 'nut'))];
      },
    },
    {
      name: 'additional_ring',
      kind: 'logical_anomalies',
      shows: 'four rings instead of three',
      saturation: areaOf(RING_AREA),
      apply(layout, draws) {
        addPiece(layout, 'ring', draws);
        return [outlines(all(layout, 'ring'))];
      },
    },
    {
      name: 'wrong_count',
      kind: 'logical_anomalies',
      shows: 'a ring in place of a nut: one nut and four rings',
      saturation: areaOf(RING_AREA),
      apply(layout, draws) {
        draws.pick(all(layout, 'nut')).kind = 'ring';
        return [outlines(all(layout, 'ring'))];
      },
    },
    {
      name: 'wrong_length',
      kind: 'logical_anomalies',
      shows: 'the two bolts differ in length',
      saturation: areaOf(BOLT_AREA),
      apply(layout, draws, strength) {
        const bolts = all(layout, 'bolt');
        const wrong = draws.pick(bolts);
        // A longer bolt might not fit, so the shorter of the two is changed.
        const lost = wrong.length === LONG ? 0.06 + 0.06 * strength : 0.035 + 0.045 * strength;
        const { x, y, angle } = wrong.pose;
        // The head stays in place.
        wrong.pose = { x: x - (lost / 2) * cosine(angle), y: y - (lost / 2) * sine(angle), angle };
        wrong.length -= lost;
        return [outlines(bolts)];
      },
    },
    {
      name: 'wrong_color',
      kind: 'logical_anomalies',
      shows: 'a nut or a ring is of brass or copper',
      saturation: WHOLE,
      apply(layout, draws, strength) {
        const wrong = draws.pick([...all(layout, 'nut'), ...all(layout, 'ring')]);
        wrong.color = mixed(wrong.color, draws.pick([BRASS, COPPER]), 0.4 + 0.6 * strength);
        return [pieceIn(wrong).outline];
      },
    },
    {
      name: 'misplaced_piece',
      kind: 'logical_anomalies',
      shows: 'a nut lies outside the bag, on its edge',
      saturation: WHOLE,
      apply(layout, draws) {
        const wrong = draws.pick(all(layout, 'nut'));
        const angle = degrees(draws.between(0, 60));
        const edge = draws.pick<Point>([
          [0.085, draws.between(0.3, 0.8)],
          [0.915, draws.between(0.3, 0.8)],
          [draws.between(0.2, 0.8), 0.9],
        ]);
        wrong.pose = { x: edge[0], y: edge[1], angle };
        return [pieceIn(wrong).outline];
      },
    },
    {
      name: 'bent_bolt',
      kind: 'structural_anomalies',
      shows: 'a bolt is bent',
      saturation: WHOLE,
      apply(layout, draws, strength) {
        const bent = draws.pick(all(layout, 'bolt'));
        const slope = draws.sign() * (0.3 + 0.4 * strength);
        bent.alteration = (part) => bendPart(part, 0, slope);
        return [
          grown(intersection(pieceIn(bent).outline, placed(rectangle(0.15, 0, 0.15, 0.3), bent.pose)), 0.003),
        ];
      },
    },
    {
      name: 'broken_ring',
      kind: 'structural_anomalies',
      shows: 'a piece of a ring has broken out',
      saturation: WHOLE,
      apply(layout, draws, strength) {
        const broken = draws.pick(all(layout, 'ring'));
        const whole = pieceIn(broken).outline;
        const lost = jaggedHalfPlane(0.032 - 0.022 * strength, 0, 0, 0.008, draws.seed());
        broken.alteration = (part) => cutPart(part, lost);
        return [intersection(whole, placed({ ...lost, box: rectangle(0, 0, 0.1, 0.1).box }, broken.pose))];
      },
    },
    onSurface('tear', 'torn_bag', 'the film is torn', (_layout, draws) => onFilm(draws)),
    onSurface('scratch', 'scratch', 'the film is scratched', (_layout, draws) => onFilm(draws)),
    onSurface('contamination', 'contamination', 'a crumb of dirt lies in the bag', (_layout, draws) =>
      onFilm(draws),
    ),
    onSurface('stain', 'stain', 'oil or rust has stained the bag', (_layout, draws) => onFilm(draws)),
  ],
});
