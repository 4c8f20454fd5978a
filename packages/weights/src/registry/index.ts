import { DskdError } from '@dskd/base';

/** A file that can be downloaded, with its location and checksum. */
export interface DownloadSource {
  /** Name in error messages. */
  readonly name: string;
  /** URL with `http:` or `https:`. */
  readonly url: string;
  /** File name in the cache folder and on a mirror. */
  readonly file: string;
  /** Lower-case hexadecimal: all 64 digits, or the first 8 or more if only these are published. */
  readonly sha256: string;
  /** Exact size, if known. If the server announces another size, nothing is downloaded. */
  readonly bytes?: number;
}

/** Preparation of images with which the publisher evaluated the weights. */
export interface RecommendedPreparation {
  /** Shorter side after resizing, in pixels. */
  readonly resize: number;
  /** Side of the central square that is cut out, in pixels. */
  readonly crop: number;
  readonly interpolation: 'bilinear' | 'bicubic';
}

/** Conversion of pixels in 0..1 to the input of the network: `(channel * scale - mean) / standardDeviation`. */
export interface WeightsInputTransform {
  readonly channelOrder: 'rgb';
  readonly scale: number;
  readonly mean: readonly [number, number, number];
  readonly standardDeviation: readonly [number, number, number];
}

export interface WeightsLicense {
  /** SPDX identifier of the license under which the files are published. */
  readonly spdx: string;
  /** Statement of the publisher about weights that were trained on these data. Not legal advice. */
  readonly note: string;
}

/** Entry of the registry of public weights, as plain data. */
export interface WeightsEntry extends DownloadSource {
  /** Name of the network for `createBackbone` of `@dskd/models`. */
  readonly backbone: string;
  /** Approximate size for display, in MiB. */
  readonly mebibytes: number;
  readonly format: 'pytorch' | 'safetensors';
  /** Publisher, and the name used there. */
  readonly source: string;
  readonly license: WeightsLicense;
  readonly inputTransform: WeightsInputTransform;
  readonly preparation: RecommendedPreparation;
}

/** Normalization of torchvision and timm. */
const IMAGENET_TRANSFORM: WeightsInputTransform = {
  channelOrder: 'rgb',
  scale: 1,
  mean: [0.485, 0.456, 0.406],
  standardDeviation: [0.229, 0.224, 0.225],
};

const TORCHVISION_LICENSE = {
  spdx: 'BSD-3-Clause',
  note:
    "torchvision's code is BSD-3-Clause. torchvision says that its weights may have terms of their own, derived from " +
    'the data they were trained on (ImageNet-1k), and that you must determine whether you may use them.',
} as const;

/** Preparation of images in torchvision's evaluation, by recipe. */
const PREPARATION: Readonly<Record<string, RecommendedPreparation>> = {
  IMAGENET1K_V1: { resize: 256, crop: 224, interpolation: 'bilinear' },
  IMAGENET1K_V2: { resize: 232, crop: 224, interpolation: 'bilinear' },
};

interface PublishedTorchvision {
  readonly backbone: string;
  readonly recipe: 'IMAGENET1K_V1' | 'IMAGENET1K_V2';
  readonly sha256: string;
  readonly bytes?: number;
  readonly mebibytes: number;
}

/**
 * torchvision's file names contain the first eight digits of the SHA-256. More digits are listed here if several
 * independent sources publish them. `mebibytes` is the size that torchvision states.
 */
const PUBLISHED_BY_TORCHVISION: readonly PublishedTorchvision[] = [
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

function torchvisionEntry({
  backbone,
  recipe,
  sha256,
  bytes,
  mebibytes,
}: PublishedTorchvision): WeightsEntry {
  const file = `${backbone}-${sha256.slice(0, 8)}.pth`;
  return {
    // In papers, the name of a network means the weights of the first recipe.
    name: recipe === 'IMAGENET1K_V1' ? backbone : `${backbone}.${recipe.toLowerCase()}`,
    backbone,
    url: `https://download.pytorch.org/models/${file}`,
    file,
    sha256,
    ...(bytes !== undefined && { bytes }),
    mebibytes,
    format: 'pytorch',
    source: `torchvision ${recipe}`,
    license: TORCHVISION_LICENSE,
    inputTransform: IMAGENET_TRANSFORM,
    preparation: PREPARATION[recipe]!,
  };
}

const TORCHVISION_WEIGHTS: readonly WeightsEntry[] = PUBLISHED_BY_TORCHVISION.map(torchvisionEntry);

const TIMM_NOTE =
  'timm says: ImageNet was released for non-commercial research only. It is not clear what that means for weights ' +
  'trained on it. Seek legal advice before you use them in a commercial product.';

/** Preparation with timm's `crop_pct`: the shorter side is the crop divided by `crop_pct`, rounded down. */
const CROP_95: RecommendedPreparation = { resize: 235, crop: 224, interpolation: 'bicubic' };
const CROP_875: RecommendedPreparation = { resize: 256, crop: 224, interpolation: 'bilinear' };

interface PublishedTimm {
  /** `NETWORK.RECIPE`, the name in timm and on the Hugging Face Hub. */
  readonly model: string;
  /** Branch or commit of the Hub that contains the file. */
  readonly revision: string;
  readonly sha256: string;
  readonly mebibytes: number;
  readonly spdx: string;
  readonly preparation: RecommendedPreparation;
}

/** `model.safetensors` of each model on the Hugging Face Hub, with the SHA-256 that the Hub shows. */
const PUBLISHED_BY_TIMM: readonly PublishedTimm[] = [
  {
    model: 'resnet18.a1_in1k',
    revision: 'ebd61f9c7420e5b5b53262b8ce6bbe311e1e872a',
    sha256: '80c49dee3da4822c009c5a7fe591e9223c5a2cfcf95a4067ca4dfb5a7b89c612',
    mebibytes: 45,
    spdx: 'Apache-2.0',
    preparation: CROP_95,
  },
  {
    model: 'resnet18.tv_in1k',
    revision: 'main',
    sha256: '694f673df6520a3158624e8a89af086f59923ee4cd7436fe5bc3bc71d295ad81',
    mebibytes: 45,
    spdx: 'BSD-3-Clause',
    preparation: CROP_875,
  },
  {
    model: 'resnet50.a1_in1k',
    revision: '5d9e13b8fdab4d9718bcf2c8f5c3af01878367e8',
    sha256: '773525d5821de224f8f30c33377b7a795d7863e08522698200d3217d3f2a41bb',
    mebibytes: 98,
    spdx: 'Apache-2.0',
    preparation: CROP_95,
  },
  {
    model: 'resnet101.a1h_in1k',
    revision: '21721ac354aff8c4fbc371f3c4e46fa8832d4d68',
    sha256: '1a076c0384295e7d3704f201c5711ff245507db934230bab72ff3014a95f90fe',
    mebibytes: 171,
    spdx: 'Apache-2.0',
    preparation: CROP_95,
  },
  {
    model: 'wide_resnet50_2.tv_in1k',
    revision: 'main',
    sha256: 'df6fb6c4824769769de18e14088475fd6ee94236849aa4e5d8022ba9d9a9a16c',
    mebibytes: 263,
    spdx: 'BSD-3-Clause',
    preparation: CROP_875,
  },
];

function timmEntry({ model, revision, sha256, mebibytes, spdx, preparation }: PublishedTimm): WeightsEntry {
  return {
    name: `timm/${model}`,
    backbone: model.slice(0, model.indexOf('.')),
    url: `https://huggingface.co/timm/${model}/resolve/${revision}/model.safetensors`,
    file: `timm-${model}-${sha256.slice(0, 8)}.safetensors`,
    sha256,
    mebibytes,
    format: 'safetensors',
    source: `timm ${model}`,
    license: { spdx, note: TIMM_NOTE },
    inputTransform: IMAGENET_TRANSFORM,
    preparation,
  };
}

const TIMM_WEIGHTS: readonly WeightsEntry[] = PUBLISHED_BY_TIMM.map(timmEntry);

/** Registry of public weights. */
export const WEIGHTS: readonly WeightsEntry[] = [...TORCHVISION_WEIGHTS, ...TIMM_WEIGHTS];

/**
 * Returns the registry entry of a name. The name of a backbone alone means torchvision's first recipe.
 * @throws {DskdError} `invalid-argument` for an unknown name, with the known names in the hint
 */
export function findWeights(name: string): WeightsEntry {
  const found = WEIGHTS.find((entry) => entry.name === name);
  if (!found) {
    throw new DskdError('invalid-argument', `There are no weights with the name '${name}'.`, {
      hint: `The names are ${WEIGHTS.map((entry) => entry.name).join(', ')}.`,
      details: { got: name, wanted: WEIGHTS.map((entry) => entry.name) },
    });
  }
  return found;
}
