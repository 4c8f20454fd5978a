import type { DskdError } from '@dskd/base';
import { invalidWeights, quoted } from '../byte-reader.js';
import { COST, type PickleCall, PickleGlobal } from '../pickle/pickle-machine.js';
import { StoredTensor } from '../stored-tensor.js';
import { NO_COUNTERPART, TORCH_FILE, TORCH_TYPES, TorchStorage, TorchType } from './torch-types.js';

function badArguments(what: string): DskdError {
  return invalidWeights(TORCH_FILE, `its pickle makes ${what} of arguments that do not fit.`);
}

function tensorOf(args: readonly unknown[], charge: (bytes: number) => void, type?: TorchType): StoredTensor {
  const [storage, offset, shape, strides] = args;
  if (!(storage instanceof TorchStorage)) throw badArguments('a tensor');
  const dtype = type?.dtype ?? storage.type.dtype;
  const tensor = new StoredTensor(TORCH_FILE, { dtype, shape, strides, offset, storage });
  charge(2 * COST.slot * tensor.shape.length);
  return tensor;
}

/** Marks with which torch negates or conjugates a tensor without touching its data. */
function refuseLazySigns(marks: unknown): void {
  if (marks instanceof Map && (marks.get('neg') === true || marks.get('conj') === true)) {
    throw invalidWeights(TORCH_FILE, 'it has a tensor that torch would negate or conjugate while loading.', {
      hint: 'Save tensor.resolve_neg().resolve_conj() instead.',
    });
  }
}

const rebuildTensor: PickleCall = (args, charge) => {
  refuseLazySigns(args[6]);
  return tensorOf(args, charge);
};

/** Of an untyped storage: the type comes as seventh argument. */
const rebuildTypedTensor: PickleCall = (args, charge) => {
  const type = args[6];
  if (!(type instanceof TorchType) || type.kind !== 'element') throw badArguments('a tensor');
  refuseLazySigns(args[7]);
  return tensorOf(args, charge, type);
};

const rebuildParameter: PickleCall = ([tensor]) => {
  if (!(tensor instanceof StoredTensor)) throw badArguments('a parameter');
  return tensor;
};

/** From pairs, from a dict, or empty. */
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
  // In the state of learning-rate schedules.
  'collections.Counter': makeDict,
  // Nobody here asks where a tensor was, or what is in the bytes of protocol 2.
  'torch.device': () => null,
  '_codecs.encode': () => null,
};

const TENSOR_CLASSES = ['torch.Tensor', 'torch.nn.parameter.Parameter'];

/**
 * Tensors that have attributes: a function that rebuilds, a class, the function's arguments, the attributes. The
 * function is one of `FUNCTIONS`: it could be this one, without end.
 */
const rebuildFromType: PickleCall = ([rebuild, type, args], charge) => {
  const plain = rebuild instanceof PickleGlobal && Object.hasOwn(FUNCTIONS, rebuild.name);
  const known = type instanceof PickleGlobal && TENSOR_CLASSES.includes(type.name);
  if (!plain || !known || !Array.isArray(args)) throw badArguments('a tensor with attributes');
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
 * What a name in a PyTorch pickle means: one of the names on the list, which is all that state dicts are made of.
 * @throws {DskdError} `weights-invalid` for every other name, with it in `details.global`.
 */
export function findTorchGlobal(module: string, name: string): PickleGlobal {
  const path = `${module}.${name}`;
  const found = GLOBALS.get(path);
  if (found) return found;
  const details = { global: path };
  if (NO_COUNTERPART.test(path)) {
    throw invalidWeights(
      TORCH_FILE,
      `it holds ${quoted(path)}; complex, quantized and 8-bit floating-point tensors are not read.`,
      { hint: 'Convert those tensors to float32 in Python and save the state dict again.', details },
    );
  }
  throw invalidWeights(
    TORCH_FILE,
    `its pickle asks for ${quoted(path)}, which is not on the list of what weights need. Nothing was executed.`,
    {
      hint: "Save the state dict alone, where the file is trusted: torch.save(model.state_dict(), 'weights.pth').",
      details,
    },
  );
}
