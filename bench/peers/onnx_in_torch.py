"""Runs an exported detector in PyTorch, eager, float32: the same computation as a peer for speed, and a second reading of the file.

/usr/bin/python3 bench/peers/onnx_in_torch.py MODEL.onnx THREADS: then a line of JSON for each line of standard input:
  {"file": "image.jpg"}          decodes and resizes with Pillow, scores; {"score": ..., "seconds": [...], "cpuSeconds": ...}
  {"bytes": "raw.bin", "count": N, "repeat": R}  scores N prepared images R times; {"score": ..., "seconds": [...]}
"""
import json
import sys
import time

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from PIL import Image

TYPES = {1: torch.float32, 2: torch.uint8, 6: torch.int32, 7: torch.int64, 9: torch.bool}
CODES = dict(Add=torch.add, Sub=torch.sub, Mul=torch.mul, MatMul=torch.matmul, Sqrt=torch.sqrt, Exp=torch.exp, Log=torch.log,
             Relu=torch.relu, Tanh=torch.tanh, Reciprocal=torch.reciprocal, Greater=torch.gt, Less=torch.lt, Equal=torch.eq, And=torch.logical_and,
             Not=torch.logical_not, Where=torch.where, Max=torch.maximum, Min=torch.minimum, Identity=lambda x: x)


def attributes(node):
    return {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}


def padded(x, pads):
    top, left, bottom, right = pads
    return F.pad(x, (left, right, top, bottom)) if any(pads) else x


def div(a, b):
    return a / b if a.is_floating_point() else torch.div(a, b, rounding_mode='trunc')


def conv(x, weight, bias=None, *, pads=(0, 0, 0, 0), strides=(1, 1), dilations=(1, 1), group=1, **_):
    if pads[0] == pads[2] and pads[1] == pads[3]:
        return F.conv2d(x, weight, bias, list(strides), list(pads[:2]), list(dilations), group)
    return F.conv2d(padded(x, pads), weight, bias, list(strides), 0, list(dilations), group)


def average_pool(x, *, kernel_shape, strides, pads):
    assert not any(pads)
    return F.avg_pool2d(x, list(kernel_shape), list(strides))


def max_pool(x, *, kernel_shape, strides, pads):
    assert not any(pads)
    return F.max_pool2d(x, list(kernel_shape), list(strides))


def pad(x, pads, value, *, mode):
    assert mode == b'constant'
    pads, rank = pads.tolist(), x.dim()
    around = [side for axis in reversed(range(rank)) for side in (pads[axis], pads[axis + rank])]
    return F.pad(x, around, value=float(value))


def resize(x, roi, scales, sizes, *, mode, coordinate_transformation_mode):
    assert mode == b'linear'
    corners = coordinate_transformation_mode == b'align_corners'
    return F.interpolate(x, sizes.tolist()[2:], mode='bilinear', align_corners=corners)


def reduce(function):
    def apply(x, given=None, *, keepdims=1, axes=None):
        over = axes if given is None else given.tolist()
        return function(x, dim=list(over), keepdim=bool(keepdims))
    return apply


def gather(x, indices, *, axis=0):
    flat = torch.index_select(x, axis, indices.reshape(-1).long())
    return flat.reshape(*x.shape[:axis], *indices.shape, *x.shape[axis + 1:])


def sliced(x, starts, ends, axes):
    at = [slice(None)] * x.dim()
    for start, end, axis in zip(starts.tolist(), ends.tolist(), axes.tolist()):
        at[axis] = slice(start, end)
    return x[tuple(at)]


def top_k(x, k, *, axis, sorted):
    return torch.topk(x, int(k), dim=axis)


OPERATORS = {
    **{name: (lambda function: lambda *inputs, **_: function(*inputs))(function) for name, function in CODES.items()},
    'ArgMax': lambda x, *, axis, keepdims: torch.argmax(x, axis, bool(keepdims)),
    'AveragePool': average_pool,
    'Cast': lambda x, *, to: x.to(TYPES[to]),
    'Concat': lambda *inputs, axis: torch.cat(inputs, axis),
    'Conv': conv,
    'Div': div,
    'Expand': lambda x, shape: x.expand(torch.broadcast_shapes(x.shape, shape.tolist())),
    'Gather': gather,
    'LeakyRelu': lambda x, *, alpha: F.leaky_relu(x, alpha),
    'MaxPool': max_pool,
    'Pad': pad,
    'ReduceMax': reduce(torch.amax),
    'ReduceMean': reduce(torch.mean),
    'ReduceMin': reduce(torch.amin),
    'ReduceSum': reduce(torch.sum),
    'Reshape': lambda x, shape: x.reshape(shape.tolist()),
    'Resize': resize,
    'Shape': lambda x, *, start=0, end=None: torch.tensor(x.shape[start:end]),
    'Slice': sliced,
    'Softmax': lambda x, *, axis: torch.softmax(x, axis),
    'Squeeze': lambda x, axes: x.squeeze(int(axes[0])),
    'TopK': top_k,
    'Transpose': lambda x, *, perm: x.permute(*perm),
    'Unsqueeze': lambda x, axes: x.unsqueeze(int(axes[0])),
}


class Program:
    """The nodes of a graph with their attributes read once, and those of constants alone computed once."""

    def __init__(self, graph):
        self.inputs = [each.name for each in graph.input]
        self.outputs = [each.name for each in graph.output]
        self.constants = {each.name: torch.from_numpy(numpy_helper.to_array(each).copy()) for each in graph.initializer}
        self.steps, used = [], {}
        for node in graph.node:
            given = attributes(node)
            body = Program(given.pop('body')) if node.op_type == 'Scan' else None
            step = (node.op_type, list(node.input), list(node.output), given, body)
            if body is None and node.input and all(name in self.constants for name in node.input):
                self.compute(step, self.constants)
                continue
            self.steps.append(step)
        for index, (_, names, _, _, _) in enumerate(self.steps):
            used.update((name, index) for name in names)
        self.last = used

    def compute(self, step, values):
        kind, names, outputs, given, body = step
        inputs = [values[name] if name else None for name in names]
        if body:
            each = [body.run(*(x[index] for x in inputs)) for index in range(inputs[0].shape[0])]
            results = [torch.stack(parts) for parts in zip(*each)]
        else:
            result = OPERATORS[kind](*inputs, **given)
            results = result if len(outputs) > 1 else [result]
        values.update(zip(outputs, results))

    def run(self, *inputs):
        values = {**self.constants, **dict(zip(self.inputs, inputs))}
        for index, step in enumerate(self.steps):
            self.compute(step, values)
            # What nothing reads again is freed, as Python's own variables would be.
            for name in step[1]:
                if self.last.get(name) == index and name not in self.outputs and name not in self.constants:
                    values.pop(name, None)
        return [values[name] for name in self.outputs]


def main(path, threads):
    torch.set_num_threads(int(threads))
    model = onnx.load(path)
    description = json.loads(next(each.value for each in model.metadata_props if each.key == 'dskd'))
    program, (height, width) = Program(model.graph), description['inputSize']
    score = program.outputs.index('score')

    def scored(images):
        with torch.inference_mode():
            return program.run(torch.from_numpy(images))[score]

    print(json.dumps({'torch': torch.__version__, 'threads': torch.get_num_threads()}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        seconds, cpu = [], time.process_time()
        if 'file' in asked:
            started = time.perf_counter()
            image = Image.open(asked['file']).convert('RGB').resize((width, height), Image.BILINEAR)
            result = scored(np.asarray(image)[None].copy())
            seconds.append(time.perf_counter() - started)
        else:
            images = np.fromfile(asked['bytes'], np.uint8).reshape(asked['count'], height, width, 3)
            for _ in range(asked.get('repeat', 1)):
                started = time.perf_counter()
                result = scored(images)
                seconds.append(time.perf_counter() - started)
        print(json.dumps({'score': result.tolist(), 'seconds': seconds, 'cpuSeconds': time.process_time() - cpu}), flush=True)


if __name__ == '__main__':
    main(*sys.argv[1:])
