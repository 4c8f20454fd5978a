import type { DskdError } from '@dskd/base';
import { invalidWeights, quoted } from '../byte-reader.js';
import { OpaqueGlobal, OpaqueObject, type PickleCall, PickleGlobal } from '../pickle/pickle-global.js';
import { COST } from '../pickle/pickle-machine.js';
import { StoredTensor } from '../stored-tensor.js';
import { NO_COUNTERPART, TORCH_FILE, TORCH_TYPES, TorchStorage, TorchType } from './torch-types.js';

function badArguments(what: string): DskdError {
  return invalidWeights(TORCH_FILE, `its pickle creates ${what} from invalid arguments.`);
}

function tensorOf(args: readonly unknown[], charge: (bytes: number) => void, type?: TorchType): StoredTensor {
  const [storage, offset, shape, strides] = args;
  if (!(storage instanceof TorchStorage)) throw badArguments('a tensor');
  const dtype = type?.dtype ?? storage.type.dtype;
  const tensor = new StoredTensor(TORCH_FILE, { dtype, shape, strides, offset, storage });
  charge(2 * COST.slot * tensor.shape.length);
  return tensor;
}

/** Throws if a tensor has the flags with which torch negates or conjugates it lazily, without changing the data. */
function refuseLazySigns(flags: unknown): void {
  if (flags instanceof Map && (flags.get('neg') === true || flags.get('conj') === true)) {
    throw invalidWeights(
      TORCH_FILE,
      'it has a tensor that is negated or conjugated lazily, which is not supported.',
      {
        hint: 'Save tensor.resolve_neg().resolve_conj() instead.',
      },
    );
  }
}

const rebuildTensor: PickleCall = (args, charge) => {
  refuseLazySigns(args[6]);
  return tensorOf(args, charge);
};

/** The storage is untyped; the seventh argument is the element type. */
const rebuildTypedTensor: PickleCall = (args, charge) => {
  const type = args[6];
  if (!(type instanceof TorchType) || type.kind !== 'element') throw badArguments('a tensor');
  refuseLazySigns(args[7]);
  return tensorOf(args, charge, type);
};

const rebuildParameter: PickleCall = ([tensor]) => {
  if (tensor instanceof OpaqueObject) return tensor;
  if (!(tensor instanceof StoredTensor)) throw badArguments('a parameter');
  return tensor;
};

/** Returns a dict from a list of pairs or another dict, or an empty one. */
const makeDict: PickleCall = ([items], charge) => {
  if (items === undefined) return new Map();
  if (items instanceof Map) {
    charge(items.size * COST.mapItem);
    return new Map(items);
  }
  if (!Array.isArray(items)) throw badArguments('a dict');
  charge(items.length * COST.mapItem);
  const dict = new Map<unknown, unknown>();
  for (const pair of items as unknown[]) {
    if (!Array.isArray(pair) || pair.length !== 2) throw badArguments('a dict');
    dict.set(pair[0], pair[1]);
  }
  return dict;
};

const makeSize: PickleCall = ([sides]) => {
  if (!Array.isArray(sides)) throw badArguments('a shape');
  return sides as unknown[];
};

const FUNCTIONS: Readonly<Record<string, PickleCall>> = {
  'torch._utils._rebuild_tensor': rebuildTensor,
  'torch._utils._rebuild_tensor_v2': rebuildTensor,
  'torch._utils._rebuild_tensor_v3': rebuildTypedTensor,
  'torch._utils._rebuild_parameter': rebuildParameter,
  'torch._utils._rebuild_parameter_with_state': rebuildParameter,
  'torch.Size': makeSize,
  'collections.OrderedDict': makeDict,
  // Used in the state of learning rate schedulers.
  'collections.Counter': makeDict,
  // Its argument makes values for missing keys.
  'collections.defaultdict': () => new Map(),
  // The results, a device and bytes of protocol 2, are not used.
  'torch.device': () => null,
  '_codecs.encode': () => null,
};

const TENSOR_CLASSES = ['torch.Tensor', 'torch.nn.parameter.Parameter'];

/**
 * Returns a tensor with attributes. The arguments are a function that rebuilds the tensor, the class, the arguments of
 * the function and the attributes. The function must be one of `FUNCTIONS`, which prevents endless recursion.
 */
const rebuildFromType: PickleCall = ([rebuild, type, args], charge) => {
  const plain = rebuild instanceof PickleGlobal && Object.hasOwn(FUNCTIONS, rebuild.name);
  if (!plain || !(type instanceof PickleGlobal) || !Array.isArray(args)) {
    throw badArguments('a tensor with attributes');
  }
  if (!TENSOR_CLASSES.includes(type.name)) return new OpaqueObject(type.name);
  return FUNCTIONS[rebuild.name]!(args, charge);
};

const GLOBALS = new Map<string, PickleGlobal>(
  [
    ...TORCH_TYPES,
    ...Object.entries(FUNCTIONS).map(([name, call]) => new PickleGlobal(name, call)),
    ...TENSOR_CLASSES.map((name) => new PickleGlobal(name)),
    new PickleGlobal('torch._tensor._rebuild_from_type_v2', rebuildFromType),
  ].map((global) => [global.name, global]),
);

/**
 * Returns a global of PyTorch that state dicts use. All other names are opaque: what a checkpoint has beside its state dict.
 * @throws {DskdError} `weights-invalid` for types of tensors that are not supported. `details.global` is the name.
 */
export function findTorchGlobal(module: string, name: string): PickleGlobal {
  const path = `${module}.${name}`;
  const found = GLOBALS.get(path);
  if (found) return found;
  if (NO_COUNTERPART.test(path)) {
    throw invalidWeights(
      TORCH_FILE,
      `it contains ${quoted(path)}; complex, quantized and 8-bit floating-point tensors are not supported.`,
      {
        hint: 'Convert these tensors to float32 in Python and save the state dict again.',
        details: { global: path },
      },
    );
  }
  return new OpaqueGlobal(path);
}
