import type { LimitedArea } from '@dskd/metrics';
import { formatShare } from '../format.js';

/** The limit that tables of MVTec LOCO AD print. */
export const SPRO_LIMIT = 0.05;

export function areaAt(areas: readonly LimitedArea[] | undefined, limit: number): LimitedArea | undefined {
  return areas?.find((area) => Math.abs(area.limit - limit) < 1e-9);
}

/** The value; with its bounds where they show in the decimals that are printed. */
export function formatArea(area: LimitedArea | null | undefined): string {
  if (!area) return formatShare(NaN);
  const [value, lower, upper] = [area.value, area.lower, area.upper].map(formatShare);
  return lower === upper ? value! : `${value} (${lower} to ${upper})`;
}
