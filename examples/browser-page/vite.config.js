export default {
  build: { target: 'es2022', outDir: 'page-dist', chunkSizeWarningLimit: 8000 },
};
