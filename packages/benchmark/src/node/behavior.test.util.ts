/** Behavior of the fake worker, by the seed of the cell. */
export const BEHAVIOR = { works: 1, throws: 2, dies: 3, hangs: 4, deaf: 5 } as const;
