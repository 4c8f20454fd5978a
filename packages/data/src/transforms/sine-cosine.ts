/** x^40 / 40! is below 1e-27 at half a turn: nothing is left to add in float64. */
const TERMS = 40;

/**
 * Sine and cosine by their power series. `Math.sin` may differ in its last bit from engine to engine;
 * additions, products and quotients may not, so that these are the same bits everywhere.
 * @param degrees -180..180.
 */
export function sineAndCosine(degrees: number): { sine: number; cosine: number } {
  const angle = (degrees * Math.PI) / 180;
  let [sine, cosine] = [0, 0];
  let term = 1;
  for (let power = 0; power <= TERMS; power++) {
    const sign = power % 4 < 2 ? 1 : -1;
    if (power % 2 === 0) cosine += sign * term;
    else sine += sign * term;
    term = (term * angle) / (power + 1);
  }
  return { sine, cosine };
}
