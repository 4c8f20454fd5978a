// Which tests run first after a change: the nearest ones, as many as fit into a time.

const isFastTest = (file) => /\.test\.js$/.test(file) && !/\.slow\.test\.js$/.test(file);

/** Name of a file without what makes it a test: `a.test.js`, `a.backends.test.js` and `a.js` are beside each other. */
const subject = (file) => file.replace(/(\.backends)?(\.test)?\.js$/, '');

/** From each file to those that import it. */
function importersOf(imports) {
  const importers = new Map();
  for (const [file, targets] of imports) {
    for (const target of targets) importers.set(target, [...(importers.get(target) ?? []), file]);
  }
  return importers;
}

/**
 * The fast tests that depend on changed files.
 * @param imports from each file to those that it imports.
 * @returns `{ test, distance }`, the nearest first: 0 for a changed test and the one beside a changed file, 1 for tests that
 * import a changed file, and so on.
 */
export function dependentTests(imports, changed) {
  const importers = importersOf(imports);
  const distances = new Map(changed.map((file) => [file, 0]));
  // A map is gone through in the order in which its keys were set, also those set on the way: breadth first.
  for (const [file, distance] of distances) {
    for (const importer of importers.get(file) ?? []) {
      if (!distances.has(importer)) distances.set(importer, distance + 1);
    }
  }
  const subjects = new Set(changed.map(subject));
  return [...distances]
    .filter(([file]) => isFastTest(file) && imports.has(file))
    .map(([test, distance]) => ({ test, distance: subjects.has(subject(test)) ? 0 : distance }))
    .sort((a, b) => a.distance - b.distance || (a.test < b.test ? -1 : 1));
}

/**
 * The tests that run first: the nearest, of tests equally near the quickest, as many as fit. One that does not fit is passed
 * over; where none fits, the nearest runs.
 * @param tests `{ test, distance }`.
 * @param secondsOf seconds that a test is expected to take.
 * @param budget seconds that they may take one after another.
 * @returns names.
 */
export function withinBudget(tests, secondsOf, budget) {
  const needs = tests
    .map((each) => ({ ...each, seconds: secondsOf(each.test) }))
    .sort((a, b) => a.distance - b.distance || a.seconds - b.seconds);
  let left = budget;
  const chosen = needs.filter(({ seconds }) => {
    if (seconds > left) return false;
    left -= seconds;
    return true;
  });
  return (chosen.length > 0 ? chosen : needs.slice(0, 1)).map(({ test }) => test);
}
