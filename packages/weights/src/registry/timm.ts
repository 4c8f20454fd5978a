import { IMAGENET_TRANSFORM, type RecommendedPreparation, type WeightsEntry } from './entry.js';

const NOTE =
  'timm says: ImageNet was released for non-commercial research only; what that means for weights trained on ' +
  'it is not clear; seek legal advice before using them in a commercial product.';

/** timm's `crop_pct`: the shorter side is the crop divided by it, rounded down. */
const CROP_95: RecommendedPreparation = { resize: 235, crop: 224, interpolation: 'bicubic' };
const CROP_875: RecommendedPreparation = { resize: 256, crop: 224, interpolation: 'bilinear' };

interface Published {
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
const PUBLISHED: readonly Published[] = [
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

function entry({ model, revision, sha256, mebibytes, spdx, preparation }: Published): WeightsEntry {
  return {
    name: `timm/${model}`,
    backbone: model.slice(0, model.indexOf('.')),
    url: `https://huggingface.co/timm/${model}/resolve/${revision}/model.safetensors`,
    file: `timm-${model}-${sha256.slice(0, 8)}.safetensors`,
    sha256,
    mebibytes,
    format: 'safetensors',
    source: `timm ${model}`,
    license: { spdx, note: NOTE },
    inputTransform: IMAGENET_TRANSFORM,
    preparation,
  };
}

export const TIMM_WEIGHTS: readonly WeightsEntry[] = PUBLISHED.map(entry);
