export { loadOnnxDetector, OnnxDetector, type OnnxOptions } from './onnx-detector.js';
export type { OrtModule, OrtSession, OrtTensor } from './onnx-runtime.js';
