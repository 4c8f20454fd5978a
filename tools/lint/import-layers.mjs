// Lint rule of oxlint: imports between our packages only point up the list of package-layers.mjs. Type-only imports,
// re-exports, `import()` and `import('...')` types count; so do relative paths that leave the package.
import path from 'node:path';
import { BELOW_TEST_SUPPORT, PACKAGE_LAYERS, TESTS_ALSO_IMPORT } from './package-layers.mjs';

const PACKAGES = path.resolve(import.meta.dirname, '../../packages');

function packageOf(file) {
  const relative = path.relative(PACKAGES, file);
  return relative.startsWith('..') ? undefined : relative.split(path.sep)[0];
}

const importLayers = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      layer:
        '@dskd/{{from}} may not import @dskd/{{to}}; it may import {{allowed}} (tools/lint/package-layers.mjs).',
      unknown: '@dskd/{{to}} is not in tools/lint/package-layers.mjs.',
      relative: 'A relative import must stay inside its package; import @dskd/{{to}} by name.',
    },
  },
  create(context) {
    const from = packageOf(context.filename);
    if (from === undefined || !(from in PACKAGE_LAYERS)) return {};
    const isTest = /\.test(-d|\.util)?\.ts$/.test(context.filename);

    function check(node, source) {
      if (typeof source !== 'string') return;
      if (source.startsWith('.')) {
        const to = packageOf(path.resolve(path.dirname(context.filename), source));
        if (to !== from) context.report({ node, messageId: 'relative', data: { to: to ?? '?' } });
        return;
      }
      const to = /^@dskd\/([^/]+)/.exec(source)?.[1];
      if (to === undefined || to === from) return;
      if (!(to in PACKAGE_LAYERS)) {
        context.report({ node, messageId: 'unknown', data: { to } });
        return;
      }
      const allowed = [...PACKAGE_LAYERS[from]];
      if (isTest) allowed.push(...(TESTS_ALSO_IMPORT[from] ?? []));
      if (isTest && !BELOW_TEST_SUPPORT.includes(from)) allowed.push('test-support', 'wasm-gradients');
      if (!allowed.includes(to)) {
        context.report({
          node,
          messageId: 'layer',
          data: { from, to, allowed: allowed.join(', ') || 'nothing of ours' },
        });
      }
    }

    return {
      ImportDeclaration: (node) => check(node, node.source.value),
      ExportNamedDeclaration: (node) => check(node, node.source?.value),
      ExportAllDeclaration: (node) => check(node, node.source.value),
      ImportExpression: (node) => check(node, node.source.value),
      TSImportType: (node) => check(node, node.source?.value ?? node.argument?.literal?.value),
    };
  },
};

export default { meta: { name: 'dskd' }, rules: { 'import-layers': importLayers } };
