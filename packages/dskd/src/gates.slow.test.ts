import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { trainDetector } from './index.js';

// On real images each method is at least as good as a build of it must be: below these AUROCs something is broken. The
// published ones are higher. bench/methods.mjs measures what is reached.

const DATA = fileURLToPath(new URL('../../../../shared/data/mvtec_ad', import.meta.url));

/** Least image AUROC of bottle and transistor at 128 px. */
const GATES: readonly { readonly method: string; readonly bottle: number; readonly transistor: number }[] = [
  { method: 'vm', bottle: 0.7, transistor: 0.6 },
  { method: 'spade', bottle: 0.95, transistor: 0.87 },
];

const isThere = existsSync(DATA);

if (!isThere) console.log(`SKIPPED gates on real images: there is no ${DATA}`);

(isThere ? describe : describe.skip)(`on ${DATA}`, () => {
  describe.each(GATES)('$method', ({ method, ...gates }) => {
    test.each(['bottle', 'transistor'] as const)(
      '%s',
      async (category) => {
        using detector = await trainDetector(DATA, {
          category,
          method,
          input: { size: [128, 128] },
          backend: 'wasm',
        });
        const { fused } = await detector.evaluate(DATA, { category });
        expect(fused.imageAuroc).toBeGreaterThan(gates[category]);
        expect(fused.pixelAuroc).toBeGreaterThan(0.8);
      },
      600_000,
    );
  });
});
