const FILE = /tfjs-backend-wasm-threaded-simd\.js$/;

/**
 * Vite plugin: lets the threads of the wasm backend of TensorFlow.js start in a bundle. The backend sends them the text of a
 * function that asks `typeof _scriptDir`, which is not defined there. A minifier takes it for the variable around the
 * function, drops the question, and each thread ends with a ReferenceError.
 */
export function wasmThreads() {
  return {
    name: 'wasm-threads',
    enforce: 'pre',
    transform(code, id) {
      if (!FILE.test(id)) return undefined;
      const [, ...parts] = code.split(/\b_scriptDir\b/);
      if (parts.length < 3)
        throw new Error(`${id} has no _scriptDir; is the plugin wasm-threads still needed?`);
      return {
        code: code
          .replaceAll(/\b_scriptDir\b/g, 'globalThis._scriptDir')
          .replace('var globalThis.', 'globalThis.'),
        map: null,
      };
    },
  };
}
