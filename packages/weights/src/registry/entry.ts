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
export const IMAGENET_TRANSFORM: WeightsInputTransform = {
  channelOrder: 'rgb',
  scale: 1,
  mean: [0.485, 0.456, 0.406],
  standardDeviation: [0.229, 0.224, 0.225],
};
