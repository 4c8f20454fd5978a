export { loadOnnxDetector, type OnnxDetector } from './onnx-detector.js';
export {
  importOnnxRuntime,
  type OnnxOptions,
  type OrtModule,
  type OrtSession,
  type OrtTensor,
} from './onnx-runtime.js';
export { onnxTeacher } from './onnx-teacher.js';
