// What the page and its worker say to each other: plain data, files, and bitmaps that are handed over.

/** What the page asks to compute with. `auto`: WebGPU on real hardware, else wasm. */
export type BackendChoice = 'auto' | 'webgpu' | 'wasm';

/** What computes. */
export interface ComputeFacts {
  readonly backend: string;
  /** Name of the graphics card; null on the CPU. */
  readonly adapter: string | null;
  /** That compute on the CPU; 1 where the page is not isolated from others. */
  readonly threads: number;
  /** Operations so far that were divided among the threads. */
  readonly helped: number;
}

/** Something that happened on its own. */
export type Note =
  /** The graphics device was lost: work goes on with `facts`. */
  | { readonly type: 'device-lost'; readonly facts: ComputeFacts }
  /** A warning of a library, in English. */
  | { readonly type: 'warning'; readonly message: string };

/** How far a task is. */
export interface Progress {
  readonly stage: 'drawing' | 'reading' | 'learning' | 'scoring';
  /** 0 to 1. */
  readonly share: number;
  /** Of one step of a training, by student. */
  readonly losses?: Readonly<Record<string, number>>;
}

export type OnProgress = (progress: Progress) => void;

/** What a first look at a file gives. */
export type Look =
  | {
      readonly ok: true;
      readonly width: number;
      readonly height: number;
      /** SHA-256 of the pixels. */
      readonly digest: string;
      readonly thumbnail: ImageBitmap;
    }
  | { readonly ok: false; readonly problem: string };

/** An image by name. */
export interface NamedImage {
  readonly id: string;
  readonly file: Blob;
}

/** A rectangle in shares of the width and height of an image: 0 to 1. */
export interface Area {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** An image with what the look at it told. */
export interface SeenImage
  extends NamedImage, Pick<Extract<Look, { ok: true }>, 'digest' | 'width' | 'height'> {}

export interface LearnRequest {
  readonly images: readonly SeenImage[];
  readonly method: string;
  /** Side of the network's input in pixels; null for what suits the method and the images. */
  readonly side: number | null;
  /** Of methods with epochs; null for the method's default. */
  readonly epochs: number | null;
  /** What does not count. */
  readonly ignored: readonly Area[];
}

/** What the page shows of a model. */
export interface ModelFacts {
  readonly method: string;
  /** `[height, width]` in pixels. */
  readonly inputSize: readonly [number, number];
  readonly threshold: number;
  /** Scores of good images that the threshold was chosen by. */
  readonly goodScores: readonly number[];
  readonly branches: readonly string[];
  /** Whether it can learn single images, and explain regions by good patches. */
  readonly canExtend: boolean;
  readonly canExplain: boolean;
  readonly lessons: number;
  /** Number of images of the training. */
  readonly images: number;
}

export interface BranchScore {
  readonly score: number;
  readonly pValue: number;
  readonly anomalous: boolean;
}

/** Scores of one image. */
export interface Inspection {
  readonly score: number;
  readonly pValue: number;
  readonly branches: Readonly<Record<string, BranchScore>>;
  readonly milliseconds: number;
}

/** The nearest good patch, beside a region. */
export interface Nearest {
  /** Name of the good image. */
  readonly from: string;
  readonly distance: number;
  readonly region: ImageBitmap;
  readonly good: ImageBitmap | null;
}

export interface FoundRegion {
  /** In pixels of the image. */
  readonly box: Area;
  readonly area: number;
  readonly score: number;
  readonly nearest: Nearest | null;
}

/** One image, drawn. */
export interface View extends Inspection {
  /** Of the image itself. */
  readonly width: number;
  readonly height: number;
  /** The image and the image under each map (`fused`, and branches with a map), reduced to fit a screen. */
  readonly image: ImageBitmap;
  readonly maps: Readonly<Record<string, ImageBitmap>>;
  readonly regions: readonly FoundRegion[];
}

/** A camera's frame with its heat map. */
export interface LiveView extends Inspection {
  readonly frame: ImageBitmap;
}

/** An image of the drawn example. */
export interface ExampleImage extends NamedImage {
  readonly use: 'learn' | 'inspect';
  readonly truth: 'good' | 'anomalous';
}

/** An inspected image with what is known of it, for the report. */
export interface ReportImage extends NamedImage {
  readonly truth: 'good' | 'anomalous' | null;
}

export interface ReportRequest {
  /** Name of the model. */
  readonly name: string;
  readonly images: readonly ReportImage[];
  readonly ignored: readonly Area[];
}

export interface LessonFacts {
  readonly alarms: { readonly before: number; readonly after: number };
  readonly threshold: { readonly before: number; readonly after: number };
}

/** The worker. A call with a `task` number can be stopped by `cancel` and then fails with the name `aborted`. */
export interface InspectorApi {
  start(choice: BackendChoice, onNote: (note: Note) => void): Promise<ComputeFacts>;
  /** What computes now. */
  facts(): Promise<ComputeFacts>;
  cancel(task: number): void;
  methods(): Promise<string[]>;

  look(file: Blob): Promise<Look>;
  drawExample(task: number, onProgress: OnProgress): Promise<ExampleImage[]>;
  shotOf(frame: ImageBitmap): Promise<Blob>;

  learn(task: number, request: LearnRequest, onProgress: OnProgress): Promise<ModelFacts>;
  inspect(image: NamedImage, ignored: readonly Area[]): Promise<Inspection>;
  view(image: NamedImage, ignored: readonly Area[]): Promise<View>;
  live(frame: ImageBitmap, ignored: readonly Area[]): Promise<LiveView>;
  setThreshold(threshold: number): Promise<void>;
  extend(
    task: number,
    image: NamedImage,
    onProgress: OnProgress,
  ): Promise<LessonFacts & { readonly model: ModelFacts }>;
  forget(): Promise<ModelFacts>;

  open(file: Blob): Promise<ModelFacts>;
  toSafetensors(): Promise<Blob>;
  toOnnx(): Promise<Blob>;
  report(task: number, request: ReportRequest, onProgress: OnProgress): Promise<Blob>;

  savedModels(): Promise<string[]>;
  saveModel(name: string): Promise<void>;
  openSaved(name: string): Promise<ModelFacts>;
  removeSaved(name: string): Promise<void>;
}
