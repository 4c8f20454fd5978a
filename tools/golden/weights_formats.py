"""Small weight files of every format and type, with what is in them.

/usr/bin/python3 tools/golden/weights_formats.py writes packages/weights/test/fixtures/: files of torch.save in both
formats and of numpy, and expected.json: file -> name -> type, shape, elements in row-major order as hex.
"""
import argparse
import datetime
import enum
import io
import json
import os
import pathlib
import zipfile
from collections import OrderedDict, defaultdict

os.environ['OPENBLAS_NUM_THREADS'] = os.environ['OMP_NUM_THREADS'] = '1'
import numpy as np
import torch

torch.set_num_threads(1)
HERE = os.path.dirname(os.path.abspath(__file__))
TARGET = os.path.join(HERE, '../../packages/weights/test/fixtures')
TORCH_TYPES = {
    torch.float64: 'F64', torch.float32: 'F32', torch.float16: 'F16', torch.bfloat16: 'BF16', torch.int64: 'I64',
    torch.int32: 'I32', torch.int16: 'I16', torch.int8: 'I8', torch.uint8: 'U8', torch.bool: 'BOOL',
}
NUMPY_TYPES = {
    'float64': 'F64', 'float32': 'F32', 'float16': 'F16', 'int64': 'I64', 'int32': 'I32', 'int16': 'I16',
    'int8': 'I8', 'uint8': 'U8', 'uint16': 'U16', 'uint32': 'U32', 'uint64': 'U64', 'bool': 'BOOL',
}
EXPECTED = {}


def torch_entry(tensor):
    tensor = tensor.detach().contiguous()
    raw = tensor.view(torch.int16) if tensor.dtype == torch.bfloat16 else tensor
    return {'dtype': TORCH_TYPES[tensor.dtype], 'shape': list(tensor.shape), 'hex': raw.numpy().tobytes().hex()}


def numpy_entry(array):
    # numpy.ascontiguousarray would give a scalar an axis.
    little = np.array(array, dtype=array.dtype.newbyteorder('<'), order='C')
    return {'dtype': NUMPY_TYPES[array.dtype.name], 'shape': list(array.shape), 'hex': little.tobytes().hex()}


def path(name):
    return os.path.join(TARGET, name)


def save_torch(name, root, state, **options):
    torch.save(root, path(name), **options)
    EXPECTED[name] = {key: torch_entry(value) for key, value in state.items()}


def torch_tensors():
    tensors = OrderedDict()
    for dtype, name in TORCH_TYPES.items():
        values = torch.tensor([[0, 1, 2], [100, 1, 0]]) if dtype == torch.uint8 else torch.tensor([[0, 1, -2], [100, -1, 0]])
        tensors[f'type.{name}'] = values.to(dtype)
    tensors['special'] = torch.tensor([float('nan'), float('inf'), float('-inf'), -0.0, 1e-45, 3.4e38])
    tensors['scalar'] = torch.tensor(3.5)
    tensors['scalar.integer'] = torch.tensor(2**53 + 1)
    tensors['empty'] = torch.zeros(0, 3)
    tensors['empty.flat'] = torch.tensor([], dtype=torch.float64)
    base = torch.arange(24.0).reshape(2, 3, 4)
    tensors['view.permuted'] = base.permute(2, 0, 1)
    tensors['view.rows'] = base[1]
    tensors['view.steps'] = base[:, ::2, 1:3]
    tensors['view.base'] = base
    tensors['view.again'] = base
    tensors['view.expanded'] = torch.tensor([1.0, 2.0]).expand(3, 2)
    tensors['view.diagonal'] = base[0, :, :3].diagonal()
    tensors['view.channels_last'] = torch.arange(16, dtype=torch.int16).reshape(1, 4, 2, 2).to(
        memory_format=torch.channels_last
    )
    tensors['parameter'] = torch.nn.Parameter(torch.tensor([1.0, -1.0]))
    tensors['a name with spaces, ümläute and 漢字'] = torch.tensor([1], dtype=torch.uint8)
    return tensors


def checkpoint():
    torch.manual_seed(7)
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [2, 4])
    model(torch.ones(1, 1, 5, 5)).sum().backward()
    optimizer.step()
    wrapped = torch.nn.DataParallel(model)
    root = {
        'epoch': 3,
        'best': 0.5,
        'arch': 'tiny',
        'args': {'lr': 0.1, 'sizes': (1, 2, 3), 'device': torch.device('cpu'), 'resume': None},
        'state_dict': wrapped.state_dict(),
        'optimizer': optimizer.state_dict(),
        'scheduler': scheduler.state_dict(),
    }
    return root, model.state_dict()


class Config(dict):
    """As libraries of configurations have them: a dict with attributes, of a class that nobody else knows."""

    def __init__(self, **values):
        super().__init__(values)
        self.source = pathlib.PurePosixPath('configs/tiny.yaml')


class Stage(enum.Enum):
    WARM_UP = 1


class Payload:
    """What an attacker would add: loading it in Python makes a file."""

    def __reduce__(self):
        return os.system, ('touch dskd-was-here',)


def extras():
    """A checkpoint as training scripts write it, with everything they happen to have at hand."""
    root, state = checkpoint()
    root.update(
        epoch=np.int64(3),
        best=np.float64(0.5),
        args=argparse.Namespace(lr=0.1, out=pathlib.PurePosixPath('runs/1'), config=Config(depth=3)),
        seen={1, 2},
        classes=frozenset(['good']),
        losses=defaultdict(list, {'train': [0.5, 0.25]}),
        when=datetime.datetime(2026, 1, 2, 3, 4, 5),
        config=Config(width=8, nested=Config(depth=2)),
        stage=Stage.WARM_UP,
        generator=np.random.RandomState(7).get_state()[1][:4],
        activation=torch.nn.functional.relu,
        criterion=torch.nn.MSELoss(),
        buffer=bytearray(b'abc'),
        payload=Payload(),
    )
    return root, state


def as_torch_2(source, target):
    """What torch.save of 2.x adds, and where: compare torch/csrc and torch/serialization.py of 2.7."""
    with zipfile.ZipFile(path(source)) as old:
        folder = old.namelist()[0].split('/')[0]
        parts = [(name.split('/', 1)[1], old.read(name)) for name in old.namelist()]
    pickled, data, version = parts[0], [part for part in parts if part[0].startswith('data/')], ('version', b'3\n')
    added = [('.format_version', b'1'), ('.storage_alignment', b'64'), ('byteorder', b'little')]
    identity = ('.data/serialization_id', b'0' * 40)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w') as new:
        for name, content in [pickled, *added, *data, version, identity]:
            entry = zipfile.ZipInfo(f'{folder}/{name}')
            start = buffer.tell() + 30 + len(entry.filename.encode()) + 4
            pad = -start % 64
            entry.extra = b'FB' + pad.to_bytes(2, 'little') + b'Z' * pad
            new.writestr(entry, content)
    with open(path(target), 'wb') as file:
        file.write(buffer.getvalue())
    EXPECTED[target] = EXPECTED[source]


def numpy_arrays():
    arrays = {}
    for name, code in NUMPY_TYPES.items():
        arrays[f'type.{code}'] = np.array([[0, 1, 2], [100, 1, 0]]).astype(name)
    base = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    arrays['fortran'] = np.asfortranarray(base)
    arrays['fortran.half'] = np.asfortranarray(base[0].astype(np.float16))
    arrays['steps'] = base[:, ::2, 1:3]
    arrays['big'] = base.astype('>f4')
    arrays['big.fortran'] = np.asfortranarray(base[1].astype('>i8'))
    arrays['scalar'] = np.array(2.5)
    arrays['empty'] = np.zeros((0, 3), np.float32)
    arrays['zeros'] = np.zeros((8, 40), np.float32)
    arrays['folder/name.with.dots'] = np.array([1], np.uint8)
    return arrays


def save_npy(name, array, version):
    with open(path(name), 'wb') as file:
        np.lib.format.write_array(file, array, version)
    EXPECTED[name] = {'arr_0': numpy_entry(array)}


def main():
    os.makedirs(TARGET, exist_ok=True)
    tensors = torch_tensors()
    save_torch('zip.pth', tensors, tensors)
    save_torch('legacy.pth', tensors, tensors, _use_new_zipfile_serialization=False)
    save_torch('zip-protocol4.pth', tensors, tensors, pickle_protocol=4)
    save_torch('legacy-protocol3.pth', tensors, tensors, pickle_protocol=3, _use_new_zipfile_serialization=False)
    as_torch_2('zip.pth', 'zip-torch2.pth')
    root, state = checkpoint()
    save_torch('checkpoint.pth', root, state)
    save_torch('checkpoint-legacy.pth', root, state, _use_new_zipfile_serialization=False)
    save_torch('module.pth', state, state)
    root, state = extras()
    save_torch('checkpoint-extras.pth', root, state)
    save_torch('checkpoint-extras-protocol5.pth', root, state, pickle_protocol=5)
    save_torch('checkpoint-extras-legacy.pth', root, state, _use_new_zipfile_serialization=False)
    arrays = numpy_arrays()
    for name, save in [('stored.npz', np.savez), ('deflated.npz', np.savez_compressed)]:
        save(path(name), **arrays)
        EXPECTED[name] = {key: numpy_entry(array) for key, array in arrays.items()}
    save_npy('version1.npy', arrays['fortran'], (1, 0))
    save_npy('version2.npy', arrays['big'], (2, 0))
    save_npy('version3.npy', arrays['scalar'], (3, 0))
    with open(path('expected.json'), 'w') as file:
        json.dump({'versions': {'torch': torch.__version__, 'numpy': np.__version__}, 'files': EXPECTED}, file, indent=1)


if __name__ == '__main__':
    main()
