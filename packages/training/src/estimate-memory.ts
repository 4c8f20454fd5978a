import { DskdError } from '@dskd/base';
import { largestBatch } from './schedule.js';

/** wasm addresses 32 bits; a heap cannot grow beyond. */
const WASM_HEAP_LIMIT = 2 ** 32;
/** Parameter, gradient and Adam's two moments, float32 each. */
const BYTES_PER_PARAMETER = 16;
/** XNNPACK keeps a packed copy of what it multiplies by until the parameter changes. */
const PACKED_BYTES_PER_PARAMETER = 4;
/** Arrays of a parameter's size that an Adam update holds for a moment, one parameter after another. */
const ADAM_INTERMEDIATES = 4;

export interface MemoryEstimateInput {
  /** The teacher's weights and the most it holds while it extracts one batch. */
  readonly teacherBytes: number;
  readonly students: readonly {
    readonly name?: string;
    /** How many trainable numbers. */
    readonly parameters: number;
    /** Everything that one image's forward and backward pass keep until the gradients are done. */
    readonly activationBytesPerImage: number;
    /** The largest single array of trainable numbers. */
    readonly largestParameterBytes?: number;
    /** The largest single map of one image. */
    readonly largestMapBytesPerImage?: number;
  }[];
  readonly batchSize: number;
  /** Teacher features of one image, all levels. */
  readonly featureBytesPerImage: number;
  readonly images: number;
  /** tfjs's name of the backend: `wasm` has a limit per heap. */
  readonly backend: string;
  /** Whether each student has a thread, and so a heap, of its own. */
  readonly workers: boolean;
  /** The most that one tensor may take, where the backend says so (WebGPU binds a tensor as one buffer). */
  readonly tensorLimit?: number;
  /** Bound of the feature cache, default 1 GiB; 0 where images change each epoch. */
  readonly cacheBytes?: number;
}

export interface MemoryPart {
  readonly what: string;
  /** `main`, a student's thread, or `host` for what lies outside the backend's memory. */
  readonly heap: string;
  readonly bytes: number;
}

export interface MemoryEstimate {
  readonly parts: readonly MemoryPart[];
  /** Backend memory, by heap; `limit` only where the backend has one. */
  readonly heaps: readonly { readonly heap: string; readonly bytes: number; readonly limit?: number }[];
  /** The largest single tensor, where the backend limits it. */
  readonly largestTensor?: { readonly student: string; readonly bytes: number; readonly limit: number };
  readonly total: number;
}

/**
 * What a training run needs at its peak, from sizes that are known before it starts. In one thread the
 * students take their steps one after another: the heap holds all parameters but only the largest
 * student's activations.
 */
export function estimateMemory(question: MemoryEstimateInput): MemoryEstimate {
  const { students, featureBytesPerImage, images, workers, backend } = question;
  const batch = largestBatch(images, question.batchSize);
  const featureBytes = batch * featureBytesPerImage;
  const named = students.map((student, index) => ({
    ...student,
    name: student.name ?? `student ${index + 1}`,
  }));
  const activations = named.map((student) => batch * student.activationBytesPerImage);

  const parts: MemoryPart[] = [
    { what: 'teacher', heap: 'main', bytes: question.teacherBytes },
    { what: 'features of a batch', heap: 'main', bytes: featureBytes },
    {
      what: 'feature cache',
      heap: 'host',
      bytes: Math.min(images * featureBytesPerImage, question.cacheBytes ?? 2 ** 30),
    },
  ];
  const bytesPerParameter = BYTES_PER_PARAMETER + (backend === 'wasm' ? PACKED_BYTES_PER_PARAMETER : 0);
  named.forEach(({ name, parameters, largestParameterBytes = 0 }, index) => {
    const heap = workers ? name : 'main';
    parts.push({
      what: `parameters of ${name} with Adam`,
      heap,
      bytes: parameters * bytesPerParameter + ADAM_INTERMEDIATES * largestParameterBytes,
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

  const heaps = ['main', ...(workers ? named.map(({ name }) => name) : [])].map((heap) => ({
    heap,
    bytes: sumBytes(parts.filter((part) => part.heap === heap)),
    ...(backend === 'wasm' ? { limit: WASM_HEAP_LIMIT } : {}),
  }));
  const [largest] = named
    .map(({ name, largestParameterBytes = 0, largestMapBytesPerImage = 0 }) => ({
      student: name,
      bytes: Math.max(largestParameterBytes, batch * largestMapBytesPerImage),
    }))
    .sort((a, b) => b.bytes - a.bytes);
  const { tensorLimit } = question;
  return {
    parts,
    heaps,
    ...(tensorLimit !== undefined && largest && { largestTensor: { ...largest, limit: tensorLimit } }),
    total: sumBytes(parts),
  };
}

/** Which limits of the backend a run would exceed, in words; none if it fits. */
export function exceededLimits({ heaps, parts, largestTensor }: MemoryEstimate): string[] {
  const exceeded = heaps
    .filter(({ bytes, limit }) => bytes > (limit ?? Infinity))
    .map(({ heap, bytes, limit }) => {
      const largest = parts.filter((part) => part.heap === heap).sort((a, b) => b.bytes - a.bytes)[0]!;
      return (
        `the heap '${heap}' needs ${gibibytes(bytes)}, at most ${gibibytes(limit!)} can be had ` +
        `(the most by ${largest.what}: ${gibibytes(largest.bytes)})`
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

/**
 * Refuses a run that cannot fit, before it starts.
 * @param hint what would fit instead, if it is known.
 * @throws {DskdError} `out-of-memory` naming each limit that is exceeded: of a heap, with its parts, or of a
 * single tensor.
 */
export function assertFits(
  estimate: MemoryEstimate,
  hint = 'Take a smaller preset or batch, one worker per student, or a backend without this limit (webgpu).',
): void {
  const exceeded = exceededLimits(estimate);
  if (exceeded.length === 0) return;
  throw new DskdError('out-of-memory', `This run does not fit: ${exceeded.join('; ')}.`, {
    hint,
    details: { heaps: estimate.heaps, parts: estimate.parts, largestTensor: estimate.largestTensor },
  });
}

function sumBytes(parts: readonly MemoryPart[]): number {
  return parts.reduce((total, { bytes }) => total + bytes, 0);
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(2)} GiB`;
}
