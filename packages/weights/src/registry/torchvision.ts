import { IMAGENET_TRANSFORM, type RecommendedPreparation, type WeightsEntry } from './entry.js';

const LICENSE = {
  spdx: 'BSD-3-Clause',
  note:
    "torchvision's code is BSD-3-Clause; of its weights it says that they may have terms of their own, derived " +
    'from the data they were trained on (ImageNet-1k), and that permission for your use is yours to determine.',
} as const;

/** torchvision's two recipes for these networks were evaluated on images prepared as follows. */
const PREPARATION: Readonly<Record<string, RecommendedPreparation>> = {
  IMAGENET1K_V1: { resize: 256, crop: 224, interpolation: 'bilinear' },
  IMAGENET1K_V2: { resize: 232, crop: 224, interpolation: 'bilinear' },
};

interface Published {
  readonly backbone: string;
  readonly recipe: 'IMAGENET1K_V1' | 'IMAGENET1K_V2';
  readonly sha256: string;
  readonly bytes?: number;
  readonly mebibytes: number;
}

/**
 * torchvision puts the eight leading digits of a file's SHA-256 into its name. More digits stand here where
 * they are published by several who computed them; `mebibytes` is torchvision's own figure.
 */
const PUBLISHED: readonly Published[] = [
  {
    backbone: 'resnet18',
    recipe: 'IMAGENET1K_V1',
    sha256: 'f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec',
    bytes: 46_830_571,
    mebibytes: 45,
  },
  {
    backbone: 'resnet34',
    recipe: 'IMAGENET1K_V1',
    sha256: 'b627a593bcbe140c234610266fe4f8ae95ea42fc881d091c9b6052e6b1d0590f',
    mebibytes: 83,
  },
  {
    backbone: 'resnet50',
    recipe: 'IMAGENET1K_V1',
    sha256: '0676ba61b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a',
    bytes: 102_530_333,
    mebibytes: 98,
  },
  {
    backbone: 'resnet50',
    recipe: 'IMAGENET1K_V2',
    sha256: '11ad3fa62ca79e40addfd354a8ec4b7c75143b3038b8d2a807fbc68deab379ca',
    bytes: 102_540_417,
    mebibytes: 98,
  },
  {
    backbone: 'resnet101',
    recipe: 'IMAGENET1K_V1',
    sha256: '63fe2227b86e8f1f2063f43a75c84d195911b6a0eace650907dd3dc62dd49a0a',
    mebibytes: 171,
  },
  {
    backbone: 'resnet101',
    recipe: 'IMAGENET1K_V2',
    sha256: 'cd907fc2a0de2292b2ba2b27d2216bc672d84632d1cf20058d01c0c03b5e020e',
    mebibytes: 171,
  },
  {
    backbone: 'wide_resnet50_2',
    recipe: 'IMAGENET1K_V1',
    sha256: '95faca4d11227dddf8633dbb5ff6c8a9003c1aa5b8945c73834b8007b10950b8',
    bytes: 138_223_492,
    mebibytes: 132,
  },
  {
    backbone: 'wide_resnet50_2',
    recipe: 'IMAGENET1K_V2',
    sha256: '9ba9bcbebc349d733a72eb7608143fd754e4689ac8d8ce2916ca0bdff6443950',
    mebibytes: 263,
  },
  { backbone: 'wide_resnet101_2', recipe: 'IMAGENET1K_V1', sha256: '32ee1156', mebibytes: 243 },
  { backbone: 'wide_resnet101_2', recipe: 'IMAGENET1K_V2', sha256: 'd733dc28', mebibytes: 485 },
  {
    backbone: 'squeezenet1_1',
    recipe: 'IMAGENET1K_V1',
    sha256: 'b8a52dc049b60e4b6ab68ad0df457362afab8b6304b2febdc1650a5dab4d7e7b',
    bytes: 4_958_839,
    mebibytes: 5,
  },
];

function entry({ backbone, recipe, sha256, bytes, mebibytes }: Published): WeightsEntry {
  const file = `${backbone}-${sha256.slice(0, 8)}.pth`;
  return {
    // The first recipe is what papers mean by a network's name.
    name: recipe === 'IMAGENET1K_V1' ? backbone : `${backbone}.${recipe.toLowerCase()}`,
    backbone,
    url: `https://download.pytorch.org/models/${file}`,
    file,
    sha256,
    ...(bytes !== undefined && { bytes }),
    mebibytes,
    format: 'pytorch',
    source: `torchvision ${recipe}`,
    license: LICENSE,
    inputTransform: IMAGENET_TRANSFORM,
    preparation: PREPARATION[recipe]!,
  };
}

export const TORCHVISION_WEIGHTS: readonly WeightsEntry[] = PUBLISHED.map(entry);
