import { readFile } from 'node:fs/promises';
import { DskdError } from '@dskd/base';
import { readStateDict, type StateDict } from '@dskd/weights';

export interface ReadTensors {
  readonly tensors: StateDict;
  /** Whether the tensors are inside a checkpoint. */
  readonly wrapped: boolean;
}

/**
 * The tensors of a weight file or, where it is a checkpoint, those inside it.
 * @param unwrap as for `readStateDict`.
 */
export function readTensors(bytes: Uint8Array, unwrap: boolean | string = false): ReadTensors {
  if (unwrap !== false) return { tensors: readStateDict(bytes, { unwrap }), wrapped: true };
  try {
    return { tensors: readStateDict(bytes), wrapped: false };
  } catch (error) {
    try {
      return { tensors: readStateDict(bytes, { unwrap: true }), wrapped: true };
    } catch {
      throw error;
    }
  }
}

function textAt(bytes: Uint8Array, start: number, length: number): string {
  return new TextDecoder('latin1').decode(bytes.subarray(start, start + length));
}

/** The name of the format of a file that was read as weights. */
export function formatOf(bytes: Uint8Array): string {
  if (textAt(bytes, 1, 5) === 'NUMPY') return 'NumPy .npy';
  if (textAt(bytes, 0, 2) === 'PK') {
    // The length of the first member's name in a zip archive is at offset 26, the name at 30.
    const first = textAt(bytes, 30, bytes[26]! + 256 * bytes[27]!);
    return first.endsWith('.npy') ? 'NumPy .npz' : 'PyTorch .pth (zip)';
  }
  return bytes[8] === 0x7b ? 'safetensors' : 'PyTorch .pth (legacy stream)';
}

export interface Fit {
  readonly backbone: string;
  /** Prefix of the names, before those of torchvision. */
  readonly prefix: string;
}

type Shapes = ReadonlyMap<string, readonly number[]>;

function hasAll(tensors: StateDict, wanted: Shapes, prefix: string): boolean {
  return [...wanted].every(([name, shape]) => String(tensors.get(prefix + name)?.shape) === String(shape));
}

/**
 * The backbones whose tensors are all in the file, under any common prefix. Only the largest ones: a ResNet-34 also has
 * all tensors of a ResNet-18.
 */
export async function fitBackbones(tensors: StateDict): Promise<Fit[]> {
  const { BACKBONES, backboneInfo } = await import('@dskd/models');
  const fits = BACKBONES.flatMap((backbone) => {
    const wanted = backboneInfo(backbone).weightShapes();
    const [first] = wanted.keys();
    const prefix = [...tensors.keys()]
      .filter((name) => name === first || name.endsWith(`.${first}`))
      .map((name) => name.slice(0, -first!.length))
      .find((candidate) => hasAll(tensors, wanted, candidate));
    return prefix === undefined ? [] : [{ backbone, prefix, size: wanted.size }];
  });
  const largest = Math.max(...fits.map(({ size }) => size));
  return fits.filter(({ size }) => size === largest).map(({ backbone, prefix }) => ({ backbone, prefix }));
}

/** The backbones as text, with the prefix to strip: `resnet50 or resnet50_v1`. */
export function describeFits(fits: readonly Fit[]): string {
  return fits
    .map(({ backbone, prefix }) => (prefix === '' ? backbone : `${backbone} after --strip-prefix ${prefix}`))
    .join(' or ');
}

/** @throws {DskdError} `file-not-found` for any reason that the file cannot be read. */
export async function readWeightsFile(path: string): Promise<Uint8Array> {
  return readFile(path).catch((cause: unknown) => {
    throw new DskdError('file-not-found', `Cannot read ${path}: ${(cause as Error).message}.`, { cause });
  });
}
