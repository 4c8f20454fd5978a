import type { backend_util } from '@tensorflow/tfjs-core';
import type { Side } from './phases.js';

/** The two sides of a convolution as its shape record describes them. */
export function sidesOf(info: backend_util.Conv2DInfo): { rows: Side; columns: Side } {
  return {
    rows: {
      input: info.inHeight,
      filter: info.filterHeight,
      output: info.outHeight,
      stride: info.strideHeight,
      dilation: info.dilationHeight,
      before: info.padInfo.top,
    },
    columns: {
      input: info.inWidth,
      filter: info.filterWidth,
      output: info.outWidth,
      stride: info.strideWidth,
      dilation: info.dilationWidth,
      before: info.padInfo.left,
    },
  };
}
