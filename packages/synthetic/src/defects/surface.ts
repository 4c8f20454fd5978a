import { cosine, type Draws, sine } from '../math.js';

import { mixed, type Color } from '../raster/blend.js';
import { beveled, grained, plain } from '../raster/paint.js';
import {
  ellipse,
  grown,
  intersection,
  placed,
  stroke,
  union,
  wobbled,
  type Point,
  type Shape,
} from '../raster/shape.js';
import { WHOLE, type AnomalyDefinition } from '../scene/definition.js';
import { clipPart, flat, type Part } from '../scene/part.js';

/** A place on a surface for damage or dirt. */
export interface Spot {
  readonly x: number;
  readonly y: number;
  /** Direction of a line across it, in radians. */
  readonly angle: number;
  /** The damage is clipped to this shape. */
  readonly within?: Shape;
}

interface Defect {
  readonly parts: readonly Part[];
  readonly region: Shape;
}

type SurfaceDefect = (spot: Spot, draws: Draws, strength: number) => Defect;

/** Returns an irregular line along a direction, `size` long, centered at the spot. */
function wander({ x, y, angle }: Spot, draws: Draws, size: number, steps: number, unrest: number): Point[] {
  const c = cosine(angle);
  const s = sine(angle);
  let aside = 0;
  return Array.from({ length: steps + 1 }, (_, i): Point => {
    const along = (i / steps - 0.5) * size;
    aside += i === 0 ? 0 : draws.bell((unrest * size) / steps);
    return [x + along * c - aside * s, y + along * s + aside * c];
  });
}

/** A bright, slightly curved line with a dark lip. */
const scratch: SurfaceDefect = (spot, draws, strength) => {
  const points = wander(spot, draws, 0.12 + 0.1 * strength, 6, 0.22);
  const radius = 0.0016 + 0.0022 * strength;
  const groove = stroke(points, radius);
  const lip = stroke(
    points.map(([x, y]): Point => [x + radius * 1.1, y + radius * 1.6]),
    radius,
  );
  const opacity = 0.45 + 0.5 * strength;
  return {
    parts: [flat(lip, plain([0.1, 0.1, 0.11], opacity)), flat(groove, plain([0.98, 0.98, 0.96], opacity))],
    region: grown(groove, 0.005),
  };
};

/** An opening with a bright rim. */
const tear: SurfaceDefect = (spot, draws, strength) => {
  const half = 0.05 + 0.04 * strength;
  const slit = wobbled(
    placed(ellipse(0, 0, half, 0.008 + 0.014 * strength), { x: spot.x, y: spot.y, angle: spot.angle }),
    0.008,
    45,
    draws.seed(),
  );
  return {
    parts: [
      flat(grown(slit, 0.006), plain([0.92, 0.94, 0.96], 0.35 + 0.5 * strength)),
      flat(slit, grained(plain([0.13, 0.16, 0.19]), 0.12, 40, draws.seed())),
    ],
    region: grown(slit, 0.006),
  };
};

/** A dark, jagged line with two branches. */
const crack: SurfaceDefect = (spot, draws, strength) => {
  const size = 0.12 + 0.08 * strength;
  const trunk = wander(spot, draws, size, 9, 0.75);
  const branches = [3, 6].map((at) => {
    const [x, y] = trunk[at]!;
    const turn = draws.sign() * draws.between(0.6, 1.1);
    const start = { x, y, angle: spot.angle + turn };
    const reach = size * 0.35;
    const away = {
      ...start,
      x: x + cosine(start.angle) * reach * 0.5,
      y: y + sine(start.angle) * reach * 0.5,
    };
    return wander(away, draws, reach, 4, 0.6);
  });
  const lines = [trunk, ...branches].map((points, i) =>
    stroke(points, i === 0 ? 0.0012 + 0.0024 * strength : 0.001 + 0.0014 * strength),
  );
  const all = union(...lines);
  return {
    parts: [
      flat(grown(all, 0.003), plain([0.9, 0.9, 0.88], 0.25 * strength)),
      flat(all, plain([0.06, 0.05, 0.05], 0.7 + 0.3 * strength)),
    ],
    region: grown(all, 0.005),
  };
};

const DIRT: readonly Color[] = [
  [0.13, 0.1, 0.08],
  [0.1, 0.24, 0.12],
  [0.35, 0.1, 0.1],
  [0.1, 0.12, 0.28],
];

/** A small foreign object. */
const contamination: SurfaceDefect = (spot, draws, strength) => {
  const radius = 0.014 + 0.016 * strength;
  const lump = wobbled(
    placed(ellipse(0, 0, radius * draws.between(1, 1.5), radius), {
      x: spot.x,
      y: spot.y,
      angle: spot.angle,
    }),
    radius * 0.45,
    1.1 / radius,
    draws.seed(),
  );
  const paint = grained(plain(draws.pick(DIRT)), 0.35, 3 / radius, draws.seed());
  return {
    parts: [flat(lump, beveled(paint, lump, { width: radius * 0.7, strength: 0.7 }), 0.006)],
    region: grown(lump, 0.002),
  };
};

const SPILLS: readonly Color[] = [
  [0.3, 0.17, 0.06],
  [0.12, 0.1, 0.14],
  [0.32, 0.05, 0.1],
];

/** A spilled liquid: transparent, darker at its rim. */
const stain: SurfaceDefect = (spot, draws, strength) => {
  const radius = 0.032 + 0.03 * strength;
  const pool = wobbled(
    placed(ellipse(0, 0, radius * 1.35, radius), { x: spot.x, y: spot.y, angle: spot.angle }),
    radius * 0.55,
    0.9 / radius,
    draws.seed(),
  );
  const color = draws.pick(SPILLS);
  const [red, green, blue] = mixed(color, [0.2, 0.15, 0.1], 0.3);
  const opacity = 0.3 + 0.3 * strength;
  return {
    parts: [
      flat(pool, (_x, _y, distance, out) => {
        out[0] = red;
        out[1] = green;
        out[2] = blue;
        out[3] = distance > -0.008 ? opacity + 0.15 : opacity;
      }),
    ],
    region: pool,
  };
};

const SURFACE_DEFECTS = { scratch, crack, tear, contamination, stain };

/** A layout with surfaces that can have defects. */
export interface Damageable {
  /** Drawn over everything else. */
  readonly overlays: Part[];
}

/** Defines a structural anomaly on a surface of the scene. */
export function onSurface<Layout extends Damageable>(
  kind: keyof typeof SURFACE_DEFECTS,
  name: string,
  shows: string,
  where: (layout: Layout, draws: Draws) => Spot,
): AnomalyDefinition<Layout> {
  return {
    name,
    kind: 'structural_anomalies',
    shows,
    saturation: WHOLE,
    apply(layout, draws, strength) {
      const spot = where(layout, draws);
      const { parts, region } = SURFACE_DEFECTS[kind](spot, draws, strength);
      const { within } = spot;
      layout.overlays.push(...(within ? parts.map((part) => clipPart(part, within)) : parts));
      return [within ? intersection(region, within) : region];
    },
  };
}
