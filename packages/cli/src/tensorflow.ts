import { createRequire } from 'node:module';

// All of TensorFlow.js: core alone has not all gradients. Required, not imported: an import of CommonJS modules reads their 5 MB
// for the names of what they export, which takes a quarter of a second at every start.
createRequire(import.meta.url)('@tensorflow/tfjs');
