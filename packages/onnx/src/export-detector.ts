import type { Detector } from '@dskd/detector';
import { encodeModel } from './graph/encode.js';
import { recordDetector } from './record-detector.js';

export interface ExportOptions {
  /**
   * Whether the graph has the input `used`, which says for each image which pixels count. It has it always where images keep
   * their proportions (letterbox), since the border does not count. Default false: a detector's own ignore mask is part of the
   * graph in any case.
   */
  readonly masks?: boolean;
}

/**
 * A detector as the bytes of an ONNX file, whole: teacher, method, normalization, fusion and smoothing. The resize of images is
 * left out, since no operator of ONNX gives the same pixels: prepare images as `metadata_props.dskd` says (`inputSize`, `resize`).
 *
 * Inputs: `images`, uint8 `[batch, height, width, 3]`, RGB; `used`, uint8 `[batch, height, width]`, 1 where a pixel counts, where
 * the options or a letterbox ask for it. Outputs, raw as `Prediction` has them: `score` `[batch]`, `score.BRANCH`, and where
 * branches have maps `anomaly_map` `[batch, height, width]`, `anomaly_map.BRANCH`. Whatever the threshold: it is in the metadata.
 *
 * While it runs, nothing else may compute with TensorFlow.js in this thread. Wanted is a backend that reads synchronously: wasm,
 * cpu, node.
 * @throws {DskdError} `not-exportable` naming the method, branch or operation, or for a model of 2 GiB or more; `disposed`
 */
export async function exportDetector(
  detector: Detector,
  { masks = false }: ExportOptions = {},
): Promise<Uint8Array> {
  const { graph, metadata } = await recordDetector(detector, masks);
  return encodeModel(graph, metadata);
}
