import { Option } from 'commander';

/** Options that several commands have, each described once. */
export const jsonOption = (what: string): Option => new Option('--json', what);
export const debugOption = (): Option => new Option('--debug', 'show where an error came from');
export const backendOption = (): Option =>
  new Option('--backend <name>', 'what computes: auto takes a hardware GPU, else wasm')
    .choices(['auto', 'webgpu', 'wasm', 'cpu', 'node', 'node-gpu'])
    .default('wasm');
export const weightsOption = (): Option =>
  new Option('--weights <file>', 'the teacher, where the model does not hold it');
