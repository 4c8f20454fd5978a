import { largestBatch } from './schedule.js';

/** Largest heap of wasm, which has 32-bit addresses. */
const WASM_HEAP_LIMIT = 2 ** 32;
/** Parameter, gradient and two moments of Adam, or one of SGD and RMSProp; each float32. */
const BYTES_PER_PARAMETER = { adam: 16, rmsprop: 12, sgd: 12 } as const;
/** XNNPACK keeps a packed copy of a convolution's weights until they change. */
const PACKED_BYTES_PER_PARAMETER = 4;
/** Temporary arrays of a parameter's size in an update, which handles one parameter after another. */
const UPDATE_INTERMEDIATES = 4;

export interface MemoryEstimateInput {
  /** The teacher's weights, plus its largest memory use while it extracts one batch. */
  readonly teacherBytes: number;
  readonly students: readonly {
    readonly name?: string;
    /** Number of trainable values. */
    readonly parameters: number;
    /** Default `adam`. */
    readonly optimizer?: 'adam' | 'rmsprop' | 'sgd';
    /** Tensors that the forward and backward pass of one image keep until the gradients are computed. */
    readonly activationBytesPerImage: number;
    /** The largest single parameter. */
    readonly largestParameterBytes?: number;
    /** The largest single feature map of one image. */
    readonly largestMapBytesPerImage?: number;
  }[];
  readonly batchSize: number;
  /** Teacher features of one image, summed over levels. */
  readonly featureBytesPerImage: number;
  /** Number of training images. */
  readonly images: number;
  /** Name of the tfjs backend. `wasm` has a limit per heap. */
  readonly backend: string;
  /** Whether each student has its own thread, and so its own heap. */
  readonly workers: boolean;
  /** Largest size of one tensor in bytes, if the backend has such a limit (WebGPU binds a tensor as one buffer). */
  readonly tensorLimit?: number;
  /** Limit of the feature cache in bytes, default 1 GiB. 0 if images change each epoch. */
  readonly cacheBytes?: number;
}

export interface MemoryPart {
  readonly what: string;
  /** `main`, the name of a student with its own thread, or `host` for memory outside the backend. */
  readonly heap: string;
  readonly bytes: number;
}

export interface MemoryEstimate {
  readonly parts: readonly MemoryPart[];
  /** Backend memory in bytes by heap, with `limit` if the backend has one. */
  readonly heaps: readonly { readonly heap: string; readonly bytes: number; readonly limit?: number }[];
  /** The largest single tensor, if the backend limits it. */
  readonly largestTensor?: { readonly student: string; readonly bytes: number; readonly limit: number };
  /** Bytes of all parts. */
  readonly total: number;
  /** Each limit of the backend that the run would exceed, in words. Empty if it fits. */
  readonly exceeded: readonly string[];
}

/**
 * Estimates the peak memory of a training run from sizes that are known before it starts. In one thread the
 * students are trained one after another within a step: the heap holds all parameters, but the activations of only
 * one student, counted for the largest.
 */
export function estimateMemory(input: MemoryEstimateInput): MemoryEstimate {
  const { students, featureBytesPerImage, images, workers, backend } = input;
  const batch = largestBatch(images, input.batchSize);
  const featureBytes = batch * featureBytesPerImage;
  const named = students.map((student, index) => ({
    ...student,
    name: student.name ?? `student ${index + 1}`,
  }));
  const activations = named.map((student) => batch * student.activationBytesPerImage);

  const parts: MemoryPart[] = [
    { what: 'teacher', heap: 'main', bytes: input.teacherBytes },
    { what: 'features of a batch', heap: 'main', bytes: featureBytes },
    {
      what: 'feature cache',
      heap: 'host',
      bytes: Math.min(images * featureBytesPerImage, input.cacheBytes ?? 2 ** 30),
    },
  ];
  const packed = backend === 'wasm' ? PACKED_BYTES_PER_PARAMETER : 0;
  named.forEach(({ name, parameters, optimizer = 'adam', largestParameterBytes = 0 }, index) => {
    const heap = workers ? name : 'main';
    parts.push({
      what: `parameters of ${name} with its optimizer`,
      heap,
      bytes:
        parameters * (BYTES_PER_PARAMETER[optimizer] + packed) + UPDATE_INTERMEDIATES * largestParameterBytes,
    });
    if (!workers) return;
    parts.push({ what: 'features of a batch', heap, bytes: featureBytes });
    parts.push({ what: `activations of ${name}`, heap, bytes: activations[index]! });
  });
  if (!workers) {
    parts.push({
      what: 'activations of the largest student',
      heap: 'main',
      bytes: Math.max(0, ...activations),
    });
  }

  const [largest] = named
    .map(({ name, largestParameterBytes = 0, largestMapBytesPerImage = 0 }) => ({
      student: name,
      bytes: Math.max(largestParameterBytes, batch * largestMapBytesPerImage),
    }))
    .sort((a, b) => b.bytes - a.bytes);
  const { tensorLimit } = input;
  return sumMemory(
    parts,
    backend,
    tensorLimit !== undefined && largest ? { ...largest, limit: tensorLimit } : undefined,
  );
}

/**
 * The estimate of parts that are known: bytes by heap, with the limit of each on this backend.
 * @param backend name of the tfjs backend. `wasm` has a limit per heap.
 */
export function sumMemory(
  parts: readonly MemoryPart[],
  backend: string,
  largestTensor?: MemoryEstimate['largestTensor'],
): MemoryEstimate {
  const names = new Set(parts.map(({ heap }) => heap).filter((heap) => heap !== 'host'));
  const heaps = [...names].map((heap) => ({
    heap,
    bytes: sumBytes(parts.filter((part) => part.heap === heap)),
    ...(backend === 'wasm' ? { limit: WASM_HEAP_LIMIT } : {}),
  }));
  const sizes = { parts, heaps, ...(largestTensor && { largestTensor }) };
  return { ...sizes, total: sumBytes(parts), exceeded: exceededLimits(sizes) };
}

function exceededLimits({
  heaps,
  parts,
  largestTensor,
}: Omit<MemoryEstimate, 'total' | 'exceeded'>): string[] {
  const exceeded = heaps
    .filter(({ bytes, limit }) => bytes > (limit ?? Infinity))
    .map(({ heap, bytes, limit }) => {
      const largest = parts.filter((part) => part.heap === heap).sort((a, b) => b.bytes - a.bytes)[0]!;
      return (
        `the heap '${heap}' needs ${gibibytes(bytes)}, its limit is ${gibibytes(limit!)} ` +
        `(largest part: ${largest.what}, ${gibibytes(largest.bytes)})`
      );
    });
  if (largestTensor && largestTensor.bytes > largestTensor.limit) {
    const { student, bytes, limit } = largestTensor;
    exceeded.push(
      `one tensor of ${student} needs ${gibibytes(bytes)}, this device takes at most ${gibibytes(limit)} in one`,
    );
  }
  return exceeded;
}

function sumBytes(parts: readonly MemoryPart[]): number {
  return parts.reduce((total, { bytes }) => total + bytes, 0);
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(2)} GiB`;
}
