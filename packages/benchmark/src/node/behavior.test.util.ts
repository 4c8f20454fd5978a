/** What a cell's seed tells the fake worker to do. */
export const BEHAVIOR = { works: 1, throws: 2, dies: 3, hangs: 4, deaf: 5 } as const;
