import type { LimitedArea } from '@dskd/detector';

/** The mean of subsets' areas at each limit: MVTec LOCO AD's score of a category. */
export function meanOverSubsets(bySubset: Readonly<Record<string, readonly LimitedArea[]>>): LimitedArea[] {
  const subsets = Object.values(bySubset);
  return (subsets[0] ?? []).map(({ limit }, index) => {
    const mean = (key: 'value' | 'lower' | 'upper'): number =>
      subsets.reduce((sum, areas) => sum + areas[index]![key], 0) / subsets.length;
    return { limit, value: mean('value'), lower: mean('lower'), upper: mean('upper') };
  });
}
