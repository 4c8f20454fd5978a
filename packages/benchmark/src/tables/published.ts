/**
 * Values published in Zhang, Suganuma, Okatani: Contextual Affinity Distillation for Image Anomaly Detection, WACV
 * 2024 (Tables 1 to 6). AU-sPRO is normalized, up to a false-positive rate of 0.05. Tables 4 to 6 must be AU-sPRO,
 * because Table 6 says so in its heading and their best row equals the mean of Table 1. Fig. 6 has no numbers.
 */
export const PAPER = 'Zhang, Suganuma, Okatani, WACV 2024';

/** Categories of MVTec LOCO AD as Table 1 lists them, by folder name. */
export const LOCO_CATEGORIES = [
  'breakfast_box',
  'screw_bag',
  'pushpins',
  'splicing_connectors',
  'juice_bottle',
] as const;

/** Table 1: AU-sPRO by category, then the mean. */
export const TABLE_1: Readonly<Record<string, readonly number[]>> = {
  AE: [0.189, 0.289, 0.327, 0.479, 0.605, 0.378],
  VAE: [0.165, 0.302, 0.311, 0.496, 0.636, 0.382],
  MNAD: [0.08, 0.344, 0.357, 0.442, 0.472, 0.339],
  VM: [0.168, 0.253, 0.254, 0.125, 0.325, 0.225],
  'f-AnoGAN': [0.223, 0.348, 0.336, 0.195, 0.569, 0.334],
  SPADE: [0.372, 0.331, 0.234, 0.516, 0.804, 0.451],
  US: [0.496, 0.602, 0.523, 0.698, 0.811, 0.626],
  RD: [0.326, 0.568, 0.597, 0.702, 0.84, 0.607],
  'PatchCore-25': [0.51, 0.577, 0.504, 0.731, 0.794, 0.623],
  GCAD: [0.502, 0.558, 0.739, 0.798, 0.91, 0.701],
  DSKD: [0.568, 0.627, 0.825, 0.767, 0.865, 0.73],
};

/** Table 2: image AUROC, structural, logical, mean. */
export const TABLE_2: Readonly<Record<string, readonly number[]>> = {
  AE: [0.565, 0.581, 0.573],
  VAE: [0.548, 0.538, 0.543],
  MNAD: [0.702, 0.6, 0.651],
  VM: [0.589, 0.565, 0.577],
  'f-AnoGAN': [0.627, 0.658, 0.642],
  SPADE: [0.668, 0.709, 0.689],
  US: [0.883, 0.664, 0.773],
  RD: [0.867, 0.669, 0.768],
  'PatchCore-25': [0.855, 0.759, 0.807],
  GCAD: [0.806, 0.86, 0.833],
  DSKD: [0.869, 0.812, 0.84],
};

/** Table 3, modified MVTec AD: image AUROC structural, logical, mean; AU-sPRO structural, logical, mean. */
export const TABLE_3: Readonly<Record<string, readonly number[]>> = {
  AE: [0.761, 0.718, 0.74, 0.337, 0.224, 0.281],
  VAE: [0.766, 0.737, 0.751, 0.336, 0.215, 0.276],
  MNAD: [0.709, 0.427, 0.568, 0.294, 0.032, 0.163],
  VM: [0.69, 0.679, 0.684, 0.24, 0.069, 0.155],
  'f-AnoGAN': [0.751, 0.751, 0.751, 0.29, 0.231, 0.261],
  SPADE: [0.898, 0.906, 0.902, 0.632, 0.647, 0.64],
  US: [0.936, 0.747, 0.842, 0.762, 0.417, 0.59],
  RD: [0.986, 0.914, 0.95, 0.793, 0.477, 0.635],
  'PatchCore-25': [0.985, 0.998, 0.992, 0.79, 0.619, 0.705],
  GCAD: [0.871, 0.991, 0.931, 0.716, 0.863, 0.789],
  DSKD: [0.955, 0.906, 0.931, 0.755, 0.649, 0.702],
};

/** Table 4: AU-sPRO of one student, structural, logical, mean, by student and loss (Pi: per-pixel cosine, CA: affinity). */
export const TABLE_4 = {
  'local Pi': [0.739, 0.474, 0.607],
  'local CA': [0.752, 0.507, 0.63],
  'global Pi': [0.547, 0.693, 0.62],
  'global CA': [0.336, 0.64, 0.488],
} as const;

/** Table 5: AU-sPRO of two students, structural, logical, mean, by the losses of the local and the global one. */
export const TABLE_5 = {
  'Pi Pi': [0.748, 0.675, 0.711],
  'CA CA': [0.752, 0.678, 0.708],
  'Pi CA': [0.754, 0.707, 0.73],
} as const;

/**
 * Table 6: AU-sPRO (mean) by g as a fraction of the 2048 input channels of the condensing block; 0 means no block.
 */
export const TABLE_6: readonly (readonly [share: number, value: number])[] = [
  [0, 0.607],
  [512 / 2048, 0.714],
  [768 / 2048, 0.721],
  [1024 / 2048, 0.73],
  [1280 / 2048, 0.72],
  [1, 0.729],
];
