import { serviceWorkerFiles } from './vite/service-worker-files.js';

// With both headers the page is isolated from other pages, and may share memory with threads. It works without them, too.
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

export default {
  // Any folder of any host.
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  server: { headers },
  preview: { headers },
  worker: { format: 'es' },
  plugins: [serviceWorkerFiles()],
  build: {
    target: 'es2022',
    outDir: 'dist/page',
    // Notices of the libraries inside.
    license: { fileName: 'licenses.md' },
    chunkSizeWarningLimit: 4000,
    rolldownOptions: {
      input: { index: 'index.html', sw: 'page/sw.ts' },
      output: { entryFileNames: ({ name }) => (name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js') },
    },
  },
};
