import { DskdError, isDskdError } from '@dskd/base';
import { loadDetector, type Detector } from '@dskd/detector';
import { methodNames } from '@dskd/methods';
import { decodeImage } from '@dskd/data/web';
import { expose, transfer } from 'comlink';
import type {
  Area,
  BackendChoice,
  ComputeFacts,
  ExampleImage,
  Inspection,
  InspectorApi,
  LearnRequest,
  LessonFacts,
  LiveView,
  Look,
  ModelFacts,
  NamedImage,
  Note,
  OnProgress,
  ReportRequest,
  View,
} from './api.js';
import { onWasm } from './compute.js';
import { ComputeSession } from './compute-session.js';
import { inspectFile, inspectFrame, viewFile } from './inspection.js';
import { factsOf, learnImages, lessonOf } from './learning.js';
import { encoded, lookAt } from './pictures.js';
import { trainingProgress } from './progress.js';
import * as saved from './saved-models.js';

/** The one long-lived worker: it owns TensorFlow.js, the teacher and the current model. */
class InspectorWorker implements InspectorApi {
  #notify: (note: Note) => void = () => undefined;
  readonly #compute = new ComputeSession(
    (note) => this.#notify(note),
    () => this.#restore(),
  );
  #detector: Detector | undefined;
  /** The current model as its file, for when the device is lost; the threshold is the detector's. */
  #kept: { readonly bytes: Uint8Array; threshold: number } | undefined;
  /** The good images that the current model learned in this session. */
  #learned: ReadonlyMap<string, Blob> = new Map();
  readonly #tasks = new Map<number, AbortController>();

  start(choice: BackendChoice, onNote: (note: Note) => void): Promise<ComputeFacts> {
    this.#notify = onNote;
    return named(async () => {
      const facts = await this.#compute.start(choice);
      await this.#compute.teacher();
      return facts;
    });
  }

  facts(): Promise<ComputeFacts> {
    return this.#compute.facts();
  }

  cancel(task: number): void {
    this.#tasks.get(task)?.abort();
  }

  methods(): Promise<string[]> {
    return Promise.resolve(methodNames());
  }

  async look(file: Blob): Promise<Look> {
    const look = await lookAt(file);
    return look.ok ? transfer(look, [look.thumbnail]) : look;
  }

  drawExample(task: number, onProgress: OnProgress): Promise<ExampleImage[]> {
    return this.#cancellable(task, async (signal) => {
      const { drawExample } = await import('./example.js');
      return drawExample(onProgress, signal);
    });
  }

  async shotOf(frame: ImageBitmap): Promise<Blob> {
    const pixels = await decodeImage(frame);
    frame.close();
    return encoded(pixels);
  }

  learn(task: number, request: LearnRequest, onProgress: OnProgress): Promise<ModelFacts> {
    return this.#cancellable(task, (signal) =>
      this.#compute.run(async () => {
        const detector = await learnImages(request, {
          teacher: () => this.#compute.teacher(),
          onEvent: trainingProgress(onProgress, this.#notify),
          signal,
        });
        this.#learned = new Map(request.images.map(({ id, file }) => [id, file]));
        return this.#use(detector);
      }),
    );
  }

  inspect(image: NamedImage, ignored: readonly Area[]): Promise<Inspection> {
    return this.#with((detector) => inspectFile(detector, image, ignored));
  }

  async view(image: NamedImage, areas: readonly Area[]): Promise<View> {
    const view = await this.#with((detector) => viewFile(detector, image, { areas, learned: this.#learned }));
    const cuts = view.regions.flatMap(({ nearest }) => [nearest?.region, nearest?.good]);
    const bitmaps = [view.image, ...Object.values(view.maps), ...cuts];
    return transfer(
      view,
      bitmaps.filter((bitmap) => bitmap instanceof ImageBitmap),
    );
  }

  async live(frame: ImageBitmap, ignored: readonly Area[]): Promise<LiveView> {
    const view = await this.#with((detector) => inspectFrame(detector, frame, ignored));
    return transfer(view, [view.frame]);
  }

  setThreshold(threshold: number): Promise<void> {
    return this.#with((detector) => {
      detector.threshold = threshold;
      this.#kept!.threshold = threshold;
      return Promise.resolve();
    });
  }

  extend(
    task: number,
    image: NamedImage,
    onProgress: OnProgress,
  ): Promise<LessonFacts & { readonly model: ModelFacts }> {
    return this.#cancellable(task, (signal) =>
      this.#with(async (detector) => {
        const onEvent = trainingProgress(onProgress, this.#notify);
        const { alarms, threshold } = await detector.extend(lessonOf(image), { onEvent, signal });
        return { alarms, threshold, model: this.#use(detector) };
      }),
    );
  }

  forget(): Promise<ModelFacts> {
    return this.#with((detector) => {
      detector.forget();
      return Promise.resolve(this.#use(detector));
    });
  }

  open(file: Blob): Promise<ModelFacts> {
    return named(async () => this.#open(new Uint8Array(await file.arrayBuffer())));
  }

  toSafetensors(): Promise<Blob> {
    return this.#with((detector) =>
      Promise.resolve(
        new Blob([detector.save() as Uint8Array<ArrayBuffer>], { type: 'application/octet-stream' }),
      ),
    );
  }

  toOnnx(): Promise<Blob> {
    return this.#with(() =>
      onWasm(async () => {
        const { exportDetector } = await import('@dskd/onnx');
        using copy = await this.#copy();
        return new Blob([(await exportDetector(copy)) as Uint8Array<ArrayBuffer>]);
      }),
    );
  }

  report(task: number, request: ReportRequest, onProgress: OnProgress): Promise<Blob> {
    return this.#cancellable(task, (signal) =>
      this.#with(async (detector) => {
        const { reportOf } = await import('./report.js');
        return new Blob([await reportOf(detector, request, { onProgress, signal })], { type: 'text/html' });
      }),
    );
  }

  savedModels(): Promise<string[]> {
    return named(() => saved.savedModels());
  }

  saveModel(name: string): Promise<void> {
    return this.#with((detector) => saved.saveModel(name, detector.save()));
  }

  openSaved(name: string): Promise<ModelFacts> {
    return named(async () => this.#open(await saved.readSaved(name)));
  }

  removeSaved(name: string): Promise<void> {
    return named(() => saved.removeSaved(name));
  }

  #open(bytes: Uint8Array): Promise<ModelFacts> {
    return this.#compute.run(async () => {
      const detector = await this.#load(bytes);
      this.#learned = new Map();
      return this.#use(detector);
    });
  }

  /** Reads a model, also one whose file leaves out the embedded teacher. */
  async #load(bytes: Uint8Array): Promise<Detector> {
    try {
      return await loadDetector(bytes);
    } catch (error) {
      if (!isDskdError(error, 'teacher-mismatch')) throw error;
      return loadDetector(bytes, { teacher: await this.#compute.teacher() });
    }
  }

  /** Makes a detector the current one. */
  #use(detector: Detector): ModelFacts {
    if (this.#detector !== detector) this.#detector?.dispose();
    this.#detector = detector;
    this.#kept = { bytes: detector.save(), threshold: detector.threshold };
    return factsOf(detector);
  }

  /** The current model, read again on the current backend. */
  async #copy(): Promise<Detector> {
    const { bytes, threshold } = this.#kept!;
    const detector = await this.#load(bytes);
    if (detector.threshold !== threshold) detector.threshold = threshold;
    return detector;
  }

  /** The current model on a new backend. What it had on the lost device cannot be freed. */
  async #restore(): Promise<void> {
    this.#detector = undefined;
    if (this.#kept) this.#detector = await this.#copy();
  }

  #with<T>(work: (detector: Detector) => Promise<T>): Promise<T> {
    return named(() =>
      this.#compute.run(() => {
        if (this.#detector) return work(this.#detector);
        throw new DskdError('invalid-argument', 'There is no model yet.', {
          hint: 'Learn some good images, or open a model.',
        });
      }),
    );
  }

  async #cancellable<T>(task: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    this.#tasks.set(task, controller);
    try {
      return await named(() => work(controller.signal));
    } finally {
      this.#tasks.delete(task);
    }
  }
}

/** The page gets name, message and stack of an error: the code is made its name, the hint a part of the message. */
async function named<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isDskdError(error)) throw error;
    const plain = new Error(error.hint === undefined ? error.message : `${error.message} ${error.hint}`, {
      cause: error,
    });
    plain.name = error.code;
    throw plain;
  }
}

expose(new InspectorWorker());
