import * as tf from '@tensorflow/tfjs-core';
import { ELEMENTWISE } from './kernels/elementwise.js';
import type { Kernels } from './kernels/kernel.js';
import { PRODUCTS } from './kernels/products.js';
import { REDUCTIONS } from './kernels/reductions.js';
import { SHAPES } from './kernels/shapes.js';
import { isConstant, notExportable, Recorder, type ConstantOperand, type Operand } from './operand.js';

/** Name under which the recording is a backend of TensorFlow.js. */
const NAME = 'dskd-onnx-recording';

const KERNELS: Kernels = { ...ELEMENTWISE, ...REDUCTIONS, ...SHAPES, ...PRODUCTS };

type Values = Float32Array | Int32Array | Uint8Array;

/**
 * A backend of TensorFlow.js that computes nothing: each operation on what depends on the inputs becomes nodes of a graph.
 * What depends on constants alone is computed, by the backend `cpu`.
 */
class RecordingBackend extends tf.KernelBackend {
  readonly #operands = new WeakMap<object, Operand>();
  readonly recorder = new Recorder();

  constructor(private readonly cpu: tf.KernelBackend) {
    super();
  }

  /** A tensor of TensorFlow.js for values of the graph. */
  tensorOf(operand: Operand): tf.TensorInfo {
    const dataId = {};
    this.#operands.set(dataId, operand);
    return { dataId, shape: [...operand.shape], dtype: operand.type };
  }

  operandOf({ dataId, shape, dtype }: tf.TensorInfo): Operand {
    const known = this.#operands.get(dataId);
    if (known) return known;
    // A tensor of the backend that was current before: a weight. It stays there.
    const operand: Operand = {
      shape,
      type: dtype,
      form: { kind: 'constant', data: this.#valuesOf(dataId, dtype) },
    };
    this.#operands.set(dataId, operand);
    return operand;
  }

  #valuesOf(dataId: object, type: tf.DataType): Values {
    const { backend } = tf.engine().state.tensorInfo.get(dataId)!;
    const values = backend.readSync(dataId) as Values;
    return copied(values, type);
  }

  run(
    kernel: string,
    inputs: tf.NamedTensorInfoMap,
    attributes: tf.NamedAttrMap,
  ): tf.TensorInfo | tf.TensorInfo[] {
    const operands = Object.fromEntries(
      Object.entries(inputs).flatMap(([name, info]) => (info ? [[name, this.operandOf(info)] as const] : [])),
    );
    const all = Object.values(operands);
    const own = KERNELS[kernel];
    if (all.every(isConstant)) {
      return this.#compute(
        kernel,
        operands as Record<string, ConstantOperand>,
        Array.isArray(inputs),
        attributes,
      );
    }
    if (!own) throw notExportable(`it uses the operation ${kernel}, which an export does not know`);
    const result = own(this.recorder, operands, attributes);
    return Array.isArray(result) ? result.map((each) => this.tensorOf(each)) : this.tensorOf(result);
  }

  #compute(
    kernel: string,
    operands: Readonly<Record<string, ConstantOperand>>,
    inRow: boolean,
    attributes: tf.NamedAttrMap,
  ): tf.TensorInfo | tf.TensorInfo[] {
    const onCpu = tf.getKernel(kernel, 'cpu');
    const infos: tf.TensorInfo[] = [];
    const inputs = Object.fromEntries(
      Object.entries(operands).map(([name, { shape, type, form }]) => {
        const info = { dataId: this.cpu.write(form.data, [...shape], type), shape: [...shape], dtype: type };
        infos.push(info);
        return [name, info] as const;
      }),
    );
    const given = (inRow ? Object.values(inputs) : inputs) as tf.NamedTensorInfoMap;
    const result = onCpu.kernelFunc({ inputs: given, attrs: attributes, backend: this.cpu });
    const results = Array.isArray(result) ? result : [result];
    const tensors = results.map(({ dataId, shape, dtype }) =>
      this.tensorOf({
        shape,
        type: dtype,
        form: { kind: 'constant', data: copied(this.cpu.readSync(dataId) as Values, dtype) },
      }),
    );
    for (const { dataId } of [...infos, ...results]) this.cpu.disposeData(dataId, true);
    return Array.isArray(result) ? tensors : tensors[0]!;
  }

  /** See `fixedPoint` of `@dskd/core`. */
  recordFixedPoint<T extends tf.Tensor>(start: T, step: (value: T) => T): T {
    const asTensor = (operand: Operand): T =>
      tf.engine().makeTensorFromTensorInfo(this.tensorOf(operand)) as T;
    return asTensor(
      this.recorder.fixedPoint(this.operandOf(start), (value) =>
        this.operandOf(tf.tidy(() => step(asTensor(value)))),
      ),
    );
  }

  override write(values: tf.BackendValues, shape: number[], type: tf.DataType): object {
    return this.tensorOf({ shape, type, form: { kind: 'constant', data: copied(values as Values, type) } })
      .dataId;
  }

  override readSync(dataId: object): Values {
    const operand = this.#operands.get(dataId);
    if (operand && isConstant(operand)) return operand.form.data;
    throw notExportable('it reads values of tensors back while it scores');
  }

  override read(dataId: object): Promise<Values> {
    return Promise.resolve().then(() => this.readSync(dataId));
  }

  // The graph keeps what TensorFlow.js disposes: the numbers below are what it asks of every backend.
  override refCount(): number {
    return 1;
  }
  override incRef(): void {
    // Nothing is counted.
  }
  override disposeData(): boolean {
    return true;
  }
  override dispose(): void {
    // Holds no memory of its own.
  }
  override numDataIds(): number {
    return 0;
  }
  override floatPrecision(): 32 {
    return 32;
  }
  override epsilon(): number {
    return 1e-7;
  }
  override memory(): { unreliable: boolean } {
    return { unreliable: true };
  }
}

function copied(values: ArrayLike<number>, type: tf.DataType): Values {
  if (type === 'bool') return Uint8Array.from(values);
  return type === 'int32' ? Int32Array.from(values) : Float32Array.from(values);
}

/**
 * Makes the recording a backend of TensorFlow.js, until the function that is returned takes it away: another copy of this module
 * would otherwise find the one of this copy.
 */
async function registered(): Promise<{ readonly recording: RecordingBackend; readonly remove: () => void }> {
  // The type of tfjs says that there is one always; it is null where there is none.
  const hasCpu = Boolean(tf.findBackendFactory('cpu') as unknown);
  if (!hasCpu) await import('@tensorflow/tfjs-backend-cpu');
  const cpu = tf.findBackend('cpu');
  quietFirstWrite(cpu);
  const recording = new RecordingBackend(cpu);
  const kernelNames = [...new Set([...Object.keys(KERNELS), ...kernelsOfCpu()])];
  for (const kernelName of kernelNames) {
    tf.registerKernel({
      kernelName,
      backendName: NAME,
      kernelFunc: ({ inputs, attrs }) => recording.run(kernelName, inputs, attrs ?? {}),
    });
  }
  tf.registerBackend(NAME, () => recording, 0);
  const remove = (): void => {
    tf.removeBackend(NAME);
    for (const kernelName of kernelNames) tf.unregisterKernel(kernelName, NAME);
  };
  return { recording, remove };
}

/** The first write to the backend `cpu` prints in Node that tfjs-node is faster; here that says nothing to anyone. */
function quietFirstWrite(cpu: tf.KernelBackend): void {
  const before = tf.env().getBool('PROD');
  tf.env().set('PROD', true);
  cpu.disposeData(cpu.write(new Float32Array(1), [1], 'float32'), true);
  tf.env().set('PROD', before);
}

/** Operations on constants can be any that the backend `cpu` knows. */
function kernelsOfCpu(): string[] {
  return tf.getKernelsForBackend('cpu').map(({ kernelName }) => kernelName);
}

let running: Promise<unknown> = Promise.resolve();

/** What a computation did. */
export interface Recorded {
  readonly recorder: Recorder;
  readonly results: ReadonlyMap<string, Operand>;
}

/** Tensors by name. */
export type Results = Readonly<Record<string, tf.Tensor>>;

/**
 * Records what `compute` does with its inputs. While it runs, TensorFlow.js has the recording as its backend: nothing else may
 * compute in this thread. Records one after another.
 * @param inputs writes what comes before the computation, and says what its inputs are.
 * @param compute must not read values of tensors that depend on the inputs.
 * @throws {DskdError} `not-exportable` for an operation that an export does not know, or values read back.
 */
export function record(
  inputs: (recorder: Recorder) => readonly Operand[],
  compute: (tensors: readonly tf.Tensor[]) => Promise<Results>,
): Promise<Recorded> {
  const own = running.then(() => recordAlone(inputs, compute));
  running = own.catch(() => undefined);
  return own;
}

async function recordAlone(
  inputs: (recorder: Recorder) => readonly Operand[],
  compute: (tensors: readonly tf.Tensor[]) => Promise<Results>,
): Promise<Recorded> {
  const before = tf.getBackend();
  const { recording, remove } = await registered();
  const { recorder } = recording;
  await tf.setBackend(NAME);
  const made: tf.Tensor[] = [];
  try {
    for (const operand of inputs(recorder)) {
      const { dataId, shape, dtype } = recording.tensorOf(operand);
      made.push(tf.engine().makeTensorFromTensorInfo({ dataId, shape, dtype }));
    }
    const tensors = await compute([...made]);
    made.push(...Object.values(tensors));
    const results = Object.entries(tensors).map(
      ([name, tensor]) => [name, recording.operandOf(tensor)] as const,
    );
    return { recorder, results: new Map(results) };
  } finally {
    tf.dispose(made);
    await tf.setBackend(before);
    remove();
  }
}
