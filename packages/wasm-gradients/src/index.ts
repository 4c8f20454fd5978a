export { registerWasmGradients } from './register.js';
