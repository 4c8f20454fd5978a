import { DskdError } from '@dskd/base';

/** What a file must be to be downloaded: where it lies, what it is called here, how it is known. */
export interface DownloadSource {
  /** What errors and progress call it. */
  readonly name: string;
  /** `http:` or `https:`. */
  readonly url: string;
  /** Its name in the cache folder and on a mirror. */
  readonly file: string;
  /** Hexadecimal: all 64 digits, or the leading ones (8 or more) where only those are published. */
  readonly sha256: string;
  /** Exact size, where it is known: another announced length is refused before it is downloaded. */
  readonly bytes?: number;
}

/** How images were prepared when the weights were evaluated by those who trained them. */
export interface RecommendedPreparation {
  /** The shorter side, pixels. */
  readonly resize: number;
  /** Side of the central square, pixels. */
  readonly crop: number;
  readonly interpolation: 'bilinear' | 'bicubic';
}

/** Pixels in 0..1 to the network's input: `(channel * scale - mean) / standardDeviation`. */
export interface WeightsInputTransform {
  readonly channelOrder: 'rgb';
  readonly scale: number;
  readonly mean: readonly [number, number, number];
  readonly standardDeviation: readonly [number, number, number];
}

export interface WeightsLicense {
  /** SPDX name of the license under which the publisher gives the files. */
  readonly spdx: string;
  /** What the publisher says about weights trained on this data. Not legal advice. */
  readonly note: string;
}

/** Public weights by name. Plain data. */
export interface WeightsEntry extends DownloadSource {
  /** The network, by a name that `createBackbone` of `@dskd/models` knows. */
  readonly backbone: string;
  /** For people: rounded, in MiB. */
  readonly mebibytes: number;
  readonly format: 'pytorch' | 'safetensors';
  /** Who publishes them, under which name there. */
  readonly source: string;
  readonly license: WeightsLicense;
  readonly inputTransform: WeightsInputTransform;
  readonly preparation: RecommendedPreparation;
}

/** The normalization that torchvision and timm share. */
const IMAGENET_TRANSFORM: WeightsInputTransform = {
  channelOrder: 'rgb',
  scale: 1,
  mean: [0.485, 0.456, 0.406],
  standardDeviation: [0.229, 0.224, 0.225],
};

const TORCHVISION_LICENSE = {
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

interface PublishedTorchvision {
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
    license: TORCHVISION_LICENSE,
    inputTransform: IMAGENET_TRANSFORM,
    preparation: PREPARATION[recipe]!,
  };
}

const TORCHVISION_WEIGHTS: readonly WeightsEntry[] = PUBLISHED_BY_TORCHVISION.map(torchvisionEntry);

const TIMM_NOTE =
  'timm says: ImageNet was released for non-commercial research only; what that means for weights trained on ' +
  'it is not clear; seek legal advice before using them in a commercial product.';

/** timm's `crop_pct`: the shorter side is the crop divided by it, rounded down. */
const CROP_95: RecommendedPreparation = { resize: 235, crop: 224, interpolation: 'bicubic' };
const CROP_875: RecommendedPreparation = { resize: 256, crop: 224, interpolation: 'bilinear' };

interface PublishedTimm {
  /** `NETWORK.RECIPE`, as timm and the Hub name it. */
  readonly model: string;
  /** The Hub's branch or commit that holds the file. */
  readonly revision: string;
  readonly sha256: string;
  readonly mebibytes: number;
  readonly spdx: string;
  readonly preparation: RecommendedPreparation;
}

/** `model.safetensors` of each model on the Hugging Face Hub, with the digest that the Hub shows for it. */
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

/** Public weights that are known by name. */
export const WEIGHTS: readonly WeightsEntry[] = [...TORCHVISION_WEIGHTS, ...TIMM_WEIGHTS];

/**
 * The entry of that name: a backbone's own name stands for torchvision's first recipe.
 * @throws {DskdError} `invalid-argument` for an unknown name, listing the known ones.
 */
export function findWeights(name: string): WeightsEntry {
  const found = WEIGHTS.find((entry) => entry.name === name);
  if (!found) {
    throw new DskdError('invalid-argument', `No weights are known under the name '${name}'.`, {
      hint: `Known are ${WEIGHTS.map((entry) => entry.name).join(', ')}.`,
      details: { got: name, wanted: WEIGHTS.map((entry) => entry.name) },
    });
  }
  return found;
}
