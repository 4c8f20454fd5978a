"""Golden losses, maps and gradients in float64 by PyTorch's autograd, straight from the definitions.

/usr/bin/python3 tools/golden/losses.py writes packages/losses/test/fixtures/losses.safetensors.
"""
import os

os.environ['OPENBLAS_NUM_THREADS'] = os.environ['OMP_NUM_THREADS'] = '1'
import numpy as np
import torch
import torch.nn.functional as F
from integer_fill import integer_fill
from safetensors_writer import write_safetensors

torch.set_num_threads(1)
HERE = os.path.dirname(os.path.abspath(__file__))
TARGET = os.path.join(HERE, '../../packages/losses/test/fixtures/losses.safetensors')
SHAPES = [(2, 5, 4, 16), (2, 3, 3, 24)]
DISTANCES = [1.0, 0.1, 0.01, 0.001]
TEMPERATURES = [1.0, 0.5, 0.1]


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def per_pixel(t, s):
    return 1 - F.cosine_similarity(t, s, dim=-1)


def flattened(t, s):
    return 1 - F.cosine_similarity(t.flatten(1), s.flatten(1), dim=-1)


def affinity(t, s, temperature):
    b, h, w, c = t.shape
    t, s = F.normalize(t.reshape(b, h * w, c), dim=-1), F.normalize(s.reshape(b, h * w, c), dim=-1)
    log_p = torch.log_softmax(t @ t.transpose(1, 2) / temperature, dim=-1)
    log_q = torch.log_softmax(s @ t.transpose(1, 2) / temperature, dim=-1)
    return (temperature**2 * (log_p.exp() * (log_p - log_q)).sum(-1)).reshape(b, h, w)


def main():
    arrays = {}
    teachers = [integer_fill(f'teacher.{level}', shape) for level, shape in enumerate(SHAPES)]
    for level, teacher in enumerate(teachers):
        arrays[f'teacher.{level}'] = teacher
    for distance in DISTANCES:
        students = []
        for level, teacher in enumerate(teachers):
            noise = unit(integer_fill(f'noise.{level}', teacher.shape).astype(np.float64))
            students.append((3 * (unit(teacher.astype(np.float64)) + distance * noise)).astype(np.float32))
            arrays[f'{distance}.student.{level}'] = students[level]
        objectives = {'perPixel': per_pixel, 'flattened': flattened}
        for temperature in TEMPERATURES:
            objectives[f'affinity.{temperature}'] = lambda t, s, T=temperature: affinity(t, s, T)
        for name, objective in objectives.items():
            t = [torch.from_numpy(x).double() for x in teachers]
            s = [torch.from_numpy(x).double().requires_grad_() for x in students]
            maps = [objective(*level) for level in zip(t, s)]
            loss = sum(m.mean() for m in maps)
            loss.backward()
            arrays[f'{distance}.{name}.loss'] = loss.detach().numpy().reshape(1)
            for level, m in enumerate(maps):
                if name != 'flattened':
                    arrays[f'{distance}.{name}.map.{level}'] = m.detach().numpy()
                arrays[f'{distance}.{name}.gradient.{level}'] = s[level].grad.numpy().astype(np.float32)
    os.makedirs(os.path.dirname(TARGET), exist_ok=True)
    write_safetensors(TARGET, arrays, {'torch': torch.__version__, 'numpy': np.__version__})


main()
