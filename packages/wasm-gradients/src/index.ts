export { registerWasmGradients } from './register.js';
export { startWasmThreads, type WasmThreads, type WasmThreadsOptions } from './threads/start.js';
