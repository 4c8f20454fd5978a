/**
 * Of the generator. The same version, category, size, seed, split, index, anomaly and level give the same bytes
 * on every platform; whoever changes a pixel changes this number (a test holds the digests of some scenes).
 */
export const GENERATOR_VERSION = 1;
