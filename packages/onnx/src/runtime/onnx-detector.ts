import { DskdError, type PixelBuffer } from '@dskd/base';
import { Predictor, type ScoredBatch, type ScoredMaps } from '@dskd/detector';
import { readExported, type ExportedDetector } from '../metadata.js';
import { assertExternalData, readModelFile } from './external-file.js';
import {
  openSession,
  type OnnxOptions,
  type OrtModule,
  type OrtSession,
  type OrtTensor,
} from './onnx-runtime.js';

/**
 * A detector that ONNX Runtime scores: predictions are those of the {@link Detector} it was exported of, up to rounding. It
 * cannot learn or explain; the detector can.
 */
export class OnnxDetector extends Predictor {
  readonly #ort: OrtModule;
  readonly #session: OrtSession;

  /** @internal Use `loadOnnxDetector`. */
  constructor(ort: OrtModule, session: OrtSession, { description, ignored }: ExportedDetector) {
    super(description, ignored);
    this.#ort = ort;
    this.#session = session;
  }

  protected async scorePrepared(
    prepared: readonly PixelBuffer[],
    ignored: readonly (Uint8Array | null)[],
  ): Promise<ScoredBatch> {
    const [height, width] = this.inputSize;
    const count = prepared.length;
    const { Tensor } = this.#ort;
    const images = new Uint8Array(count * height * width * 3);
    prepared.forEach(({ data }, index) => images.set(data, index * height * width * 3));
    const feeds: Record<string, OrtTensor> = {
      images: new Tensor('uint8', images, [count, height, width, 3]),
    };
    if (this.#session.inputNames.includes('used')) {
      const used = new Uint8Array(count * height * width).fill(1);
      ignored.forEach((mask, index) =>
        mask?.forEach((value, at) => {
          if (value !== 0) used[index * height * width + at] = 0;
        }),
      );
      feeds.used = new Tensor('uint8', used, [count, height, width]);
    } else {
      this.#assertOnlyOwnMask(ignored);
    }
    return this.#scored(await this.#run(feeds), count);
  }

  async #run(feeds: Readonly<Record<string, OrtTensor>>): Promise<Readonly<Record<string, OrtTensor>>> {
    try {
      return await this.#session.run(feeds);
    } catch (error) {
      throw new DskdError('artifact-invalid', 'ONNX Runtime cannot compute the graph of the file.', {
        hint: 'Its weights are damaged (not finite), or memory is short: export it again, or score fewer images at a time.',
        cause: error,
      });
    }
  }

  /** The graph without the input `used` holds the detector's own mask, and no other. */
  #assertOnlyOwnMask(ignored: readonly (Uint8Array | null)[]): void {
    const own = this.ignored?.includes(1) ? this.ignored : null;
    const isOwn = (mask: Uint8Array | null): boolean =>
      mask === own || (mask !== null && own !== null && mask.every((value, at) => value === own[at]));
    if (ignored.every(isOwn)) return;
    throw new DskdError(
      'invalid-argument',
      'Got an ignore mask for a file that was exported without masks.',
      {
        hint: 'Export again with { masks: true } (`dskd export --masks`).',
      },
    );
  }

  #scored(outputs: Readonly<Record<string, OrtTensor>>, count: number): ScoredBatch {
    const [height, width] = this.inputSize;
    const values = (name: string): Float32Array | undefined =>
      outputs[name]?.data as Float32Array | undefined;
    const scoresOf = (name: string): Float32Array => {
      const scores = values(name)!;
      const broken = scores.findIndex((score) => !Number.isFinite(score));
      if (broken < 0) return scores;
      throw new DskdError(
        'numerical-instability',
        `The score of image ${broken} of the batch is ${scores[broken]}.`,
        {
          hint: 'The network has diverged, or the file is damaged.',
          details: { image: broken, output: name },
        },
      );
    };
    const branches = new Map<string, ScoredMaps>();
    for (const { name } of this.description.branches) {
      branches.set(name, { maps: values(`anomaly_map.${name}`) ?? null, scores: scoresOf(`score.${name}`) });
    }
    // Without any map nothing stands out: a map that is the same everywhere.
    const maps = values('anomaly_map') ?? new Float32Array(count * height * width);
    return { fused: { maps, scores: scoresOf('score') }, branches };
  }

  protected release(): void {
    void this.#session.release();
  }
}

function assertOutputs(session: OrtSession, { description }: ExportedDetector): void {
  const wanted = ['score', ...description.branches.map(({ name }) => `score.${name}`)];
  const missing = wanted.filter((name) => !session.outputNames.includes(name));
  if (missing.length === 0 && session.inputNames.includes('images')) return;
  throw new DskdError(
    'artifact-invalid',
    `The graph lacks the ${missing.length > 0 ? `outputs ${missing.join(', ')}` : 'input images'} that its description speaks of.`,
    { hint: 'Export the detector again.', details: { outputs: [...session.outputNames] } },
  );
}

/** @throws {DskdError} `invalid-argument` for bytes of a file whose values lie beside it, and as {@link assertExternalData} */
async function assertValues(source: Uint8Array | string, { externalData }: ExportedDetector): Promise<void> {
  if (!externalData) return;
  if (typeof source === 'string') return assertExternalData(source, externalData);
  throw new DskdError(
    'invalid-argument',
    `Got the bytes of a file whose values are in ${externalData.location} beside it; wanted its path.`,
    {
      hint: 'In Node give the path of the .onnx file. A browser can only load files that hold their values themselves.',
    },
  );
}

/**
 * Loads a file that `exportDetector` or `exportDetectorFile` made, to be run by ONNX Runtime. Its calls block their thread: in a server load it in
 * worker threads (`@dskd/engine`).
 * @param source bytes of the `.onnx` file, or in Node its path, which is needed where its values are in a second file.
 * @returns a detector; its owner calls `dispose`.
 * @throws {DskdError} `artifact-invalid`, `artifact-version`, `dependency-missing`, `file-not-found`, `invalid-argument`
 */
export async function loadOnnxDetector(
  source: Uint8Array | string,
  options: OnnxOptions = {},
): Promise<OnnxDetector> {
  const exported = readExported(typeof source === 'string' ? await readModelFile(source) : source);
  await assertValues(source, exported);
  const { ort, session } = await openSession(source, options);
  assertOutputs(session, exported);
  return new OnnxDetector(ort, session, exported);
}
