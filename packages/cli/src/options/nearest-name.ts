const plain = (name: string): string => name.toLowerCase().replace(/[-_]/g, '');

/** Levenshtein's distance: how many letters to add, drop or change. */
function distance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const change = previous[column - 1]! + (from[row - 1] === to[column - 1] ? 0 : 1);
      current.push(Math.min(change, previous[column]! + 1, current[column - 1]! + 1));
    }
    previous = current;
  }
  return previous[to.length]!;
}

/**
 * The known name that `name` was most likely meant to be: the same letters in another spelling, one that
 * contains it or is contained, or one a few letters away. Undefined where none is close.
 */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const wanted = plain(name);
  const ranked = known
    .map((candidate) => {
      const letters = plain(candidate);
      const contains = wanted.length > 2 && (letters.includes(wanted) || wanted.includes(letters));
      return {
        candidate,
        rank: contains ? Math.min(1, distance(wanted, letters)) : distance(wanted, letters),
      };
    })
    .sort((a, b) => a.rank - b.rank);
  const best = ranked[0];
  return best && best.rank <= Math.max(1, wanted.length / 3) ? best.candidate : undefined;
}
