import { RuleTester } from 'eslint';
import path from 'node:path';
import tseslint from 'typescript-eslint';
import { importLayers } from './import-layers.mjs';

const file = (name) => path.resolve(import.meta.dirname, '../../packages', name);
const tester = new RuleTester({ languageOptions: { parser: tseslint.parser } });

RuleTester.describe = describe;
RuleTester.it = test;
tester.run('import-layers', importLayers, {
  valid: [
    { filename: file('losses/src/a.ts'), code: "import { x } from '@dskd/core';" },
    { filename: file('losses/src/a.ts'), code: "import { x } from './b.js';" },
    { filename: file('losses/src/a.ts'), code: "import * as tf from '@tensorflow/tfjs-core';" },
    { filename: file('losses/src/a.test.ts'), code: "import { x } from '@dskd/test-support';" },
    { filename: file('models/src/a.test.ts'), code: "import { x } from '@dskd/wasm-gradients';" },
    { filename: file('training/src/a.test.ts'), code: "import { x } from '@dskd/models';" },
    { filename: file('data/src/a.test.ts'), code: "import { x } from '@dskd/synthetic/node';" },
    { filename: file('losses/src/a.test.util.ts'), code: "import { x } from '@dskd/test-support';" },
    { filename: file('cli/src/a.ts'), code: "const x = await import('@dskd/detector/node');" },
  ],
  invalid: [
    {
      filename: file('losses/src/a.ts'),
      code: "import { x } from '@dskd/models';",
      errors: [{ messageId: 'layer' }],
    },
    {
      filename: file('core/src/a.ts'),
      code: "import type { X } from '@dskd/losses';",
      errors: [{ messageId: 'layer' }],
    },
    {
      filename: file('wasm-gradients/src/a.ts'),
      code: "import { x } from '@dskd/core';",
      errors: [{ messageId: 'layer' }],
    },
    {
      filename: file('training/src/a.ts'),
      code: "export { x } from '@dskd/models/anything';",
      errors: [{ messageId: 'layer' }],
    },
    {
      filename: file('data/src/a.ts'),
      code: "const x = await import('@dskd/cli');",
      errors: [{ messageId: 'layer' }],
    },
    {
      filename: file('scoring/src/a.ts'),
      code: "let x: import('@dskd/data').Sample;",
      errors: [{ messageId: 'layer' }],
    },
    {
      filename: file('base/src/a.test.ts'),
      code: "import { x } from '@dskd/test-support';",
      errors: [{ messageId: 'layer' }],
    },
    {
      filename: file('losses/src/a.ts'),
      code: "import { x } from '@dskd/test-support';",
      errors: [{ messageId: 'layer' }],
    },
    {
      filename: file('losses/src/a.ts'),
      code: "import { x } from '../../core/src/index.js';",
      errors: [{ messageId: 'relative' }],
    },
    {
      filename: file('losses/src/a.ts'),
      code: "import { x } from '@dskd/nonsense';",
      errors: [{ messageId: 'unknown' }],
    },
  ],
});
