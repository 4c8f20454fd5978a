import fc from 'fast-check';

/** Scores with few different values, so that there are many ties; both classes are present. */
export const labeledScores = fc
  .array(fc.tuple(fc.integer({ min: -6, max: 6 }), fc.integer({ min: 0, max: 1 })), {
    minLength: 2,
    maxLength: 30,
  })
  .filter((pairs) => new Set(pairs.map(([, label]) => label)).size === 2)
  .map((pairs) => ({ scores: pairs.map(([score]) => score / 4), labels: pairs.map(([, label]) => label) }));
