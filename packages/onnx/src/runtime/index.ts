export { loadOnnxDetector, type OnnxDetector, type OnnxOptions } from './onnx-detector.js';
export { importOnnxRuntime } from './onnx-runtime.js';
export type { OrtModule, OrtSession, OrtTensor } from './onnx-runtime.js';
