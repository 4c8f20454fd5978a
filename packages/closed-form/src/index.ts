export { cholesky, whitening } from './cholesky.js';
export {
  ledoitWolf,
  mahalanobis,
  shrunkGaussian,
  whitenedRows,
  type AxisGaussian,
  type ShrunkGaussian,
} from './gaussian.js';
export { kCenterCoreset, type KCenterOptions } from './k-center.js';
export { kMeans, nearestCenter } from './k-means.js';
export { MomentsAccumulator } from './moments.js';
export { NeighborBank, type Nearest } from './neighbor-bank.js';
export { principalSubspace, type SubspaceOptions } from './principal-subspace.js';
export { principalRotation, randomProjection } from './random-projection.js';
export type { Rows } from './rows.js';
export { principalAxes, type Subspace } from './subspace.js';
