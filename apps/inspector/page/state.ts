import { computed, signal } from '@preact/signals';
import type {
  Area,
  BackendChoice,
  ComputeFacts,
  Inspection,
  Look,
  ModelFacts,
  Progress,
  SeenImage,
} from './worker/api.js';

/** A file that was given as an image of a good part. */
export interface GoodImage {
  readonly id: string;
  readonly file: Blob;
  /** Whether the camera of the page took it. */
  readonly isShot?: boolean;
  /** Undefined until the worker looked at it. */
  readonly look?: Look;
}

/** An image that was or will be inspected. */
export interface InspectedImage {
  readonly id: string;
  readonly file: Blob;
  readonly look?: Look;
  /** Undefined until it is scored by the current model. */
  readonly inspection?: Inspection;
  /** What the user says it is. */
  readonly truth: 'good' | 'anomalous' | null;
}

/** What is being done, with a bar. */
export interface Task {
  readonly kind: 'example' | 'learn' | 'inspect' | 'report' | 'look';
  readonly progress?: Progress | undefined;
  readonly done?: number;
  readonly total?: number;
  readonly cancel?: () => void;
}

export const compute = signal<ComputeFacts | undefined>(undefined);
export const startFailure = signal<string | undefined>(undefined);

export const goodImages = signal<readonly GoodImage[]>([]);
export const areas = signal<readonly Area[]>([]);
export const method = signal('instant');
export const methods = signal<readonly string[]>(['instant', 'dskd']);
/** Null: what suits the method and the images. */
export const side = signal<number | null>(null);
export const epochs = signal(20);
export const modelName = signal('');

export const model = signal<ModelFacts | undefined>(undefined);
export const openName = signal<string | undefined>(undefined);
export const savedNames = signal<readonly string[]>([]);
/** Anomalous is a score above it. */
export const threshold = signal(0);

export const inspected = signal<readonly InspectedImage[]>([]);
export const selected = signal<string | undefined>(undefined);

export const task = signal<Task | undefined>(undefined);
/** Losses by student, one value a step. */
export const losses = signal<Readonly<Record<string, readonly number[]>>>({});
/** The last thing that happened, for the status line, in the language of the page. */
export const message = signal<{ readonly text: () => string; readonly isError: boolean } | undefined>(
  undefined,
);

/** Each image that can be learned, once: the first of those with the same pixels. */
export const usable = computed((): readonly SeenImage[] => {
  const seen = new Set<string>();
  return goodImages.value.flatMap(({ id, file, look }) => {
    if (!look?.ok || seen.has(look.digest)) return [];
    const { digest, width, height } = look;
    seen.add(digest);
    return [{ id, file, digest, width, height }];
  });
});

/** Names of images by their pixels: the first of each. */
export const firstOfDigest = computed(() => {
  const first = new Map<string, string>();
  for (const { id, look } of goodImages.value)
    if (look?.ok && !first.has(look.digest)) first.set(look.digest, id);
  return first;
});

export const busy = computed(() => task.value !== undefined);

export function say(text: () => string, isError = false): void {
  message.value = { text, isError };
}

/** The backend that the address asks for, for tests and for machines where the choice of `auto` is not wanted. */
export function backendWanted(): BackendChoice {
  const asked = new URLSearchParams(location.search).get('backend');
  return asked === 'webgpu' || asked === 'wasm' ? asked : 'auto';
}
