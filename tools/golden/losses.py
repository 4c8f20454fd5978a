"""Golden losses, maps and gradients in float64 by PyTorch's autograd, straight from the definitions.

/usr/bin/python3 tools/golden/losses.py writes losses.safetensors, small-temperatures.safetensors and
structural-similarity.safetensors into packages/losses/test/fixtures.
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
TARGET = os.path.join(HERE, '../../packages/losses/test/fixtures')
SHAPES = [(2, 5, 4, 16), (2, 3, 3, 24)]
DISTANCES = [1.0, 0.1, 0.01, 0.001]
TEMPERATURES = [1.0, 0.5, 0.1]
SMALL_TEMPERATURES = [0.02, 0.01, 0.001]


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


def covariance_affinity(t, s):
    b, h, w, c = t.shape
    t, s = F.normalize(t.reshape(b, h * w, c), dim=-1), F.normalize(s.reshape(b, h * w, c), dim=-1)
    return (((s - t) @ t.transpose(1, 2)).var(-1, unbiased=False) / 2).reshape(b, h, w)


def affinities(temperatures):
    return {f'affinity.{T}': lambda t, s, T=T: affinity(t, s, T) for T in temperatures}


def away(teachers, distance):
    """Students whose unit vectors are about `distance` from the teachers'."""
    students = []
    for level, teacher in enumerate(teachers):
        noise = unit(integer_fill(f'noise.{level}', teacher.shape).astype(np.float64))
        students.append((3 * (unit(teacher.astype(np.float64)) + distance * noise)).astype(np.float32))
    return students


def measure(arrays, distance, teachers, objectives):
    students = away(teachers, distance)
    for level, student in enumerate(students):
        arrays[f'{distance}.student.{level}'] = student
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


def crowded(level, shape):
    """Vectors from 0.01 to 0.5 apart: at a small temperature only such neighbors have any part in p."""
    center = unit(integer_fill(f'centre.{level}', shape[-1:]).astype(np.float64))
    noise = unit(integer_fill(f'teacher.{level}', shape).astype(np.float64))
    spread = np.array([0.01, 0.03, 0.1, 0.5])[np.arange(np.prod(shape[:-1])) % 4].reshape(*shape[:-1], 1)
    return (2 * (center + spread * noise)).astype(np.float32)


def write(name, teachers, objectives):
    arrays = {f'teacher.{level}': teacher for level, teacher in enumerate(teachers)}
    for distance in DISTANCES:
        measure(arrays, distance, teachers, objectives)
    versions = {'torch': torch.__version__, 'numpy': np.__version__}
    write_safetensors(os.path.join(TARGET, f'{name}.safetensors'), arrays, versions)


def structural_similarity(x, y):
    """Wang et al. (2004), Eq. 13, for each pixel: windows of 11 x 11 by torch's conv2d, images mirrored by numpy's indices."""
    taps = torch.exp(-0.5 * (torch.arange(-5, 6, dtype=torch.float64) / 1.5) ** 2)
    window = torch.outer(taps, taps) / taps.sum() ** 2

    def mean(images):
        for axis in (1, 2):
            mirrored = torch.from_numpy(np.pad(np.arange(images.shape[axis]), 5, mode='symmetric'))
            images = images.index_select(axis, mirrored)
        b, h, w, c = images.shape
        flat = images.permute(0, 3, 1, 2).reshape(b * c, 1, h, w)
        return F.conv2d(flat, window[None, None]).reshape(b, c, h - 10, w - 10).permute(0, 2, 3, 1)

    mx, my = mean(x), mean(y)
    sx, sy, sxy = mean(x * x) - mx * mx, mean(y * y) - my * my, mean(x * y) - mx * my
    return (2 * mx * my + 1e-4) * (2 * sxy + 9e-4) / ((mx**2 + my**2 + 1e-4) * (sx + sy + 9e-4))


def write_structural_similarity():
    arrays = {}
    for channels in (1, 3):
        shape = (2, 14, 9, channels)
        image = (0.5 + integer_fill(f'image.{channels}', shape) * np.sqrt(14 * 9 * channels / 3) / 2).astype(np.float32)
        for distance in (0.5, 0.02):
            noise = integer_fill(f'noise.{channels}', shape) * np.sqrt(14 * 9 * channels / 3)
            other = np.clip(image + distance * noise, 0, 1).astype(np.float32)
            y = torch.from_numpy(other).double().requires_grad_()
            maps = 1 - structural_similarity(torch.from_numpy(image).double(), y)
            maps.mean().backward()
            name = f'{channels}.{distance}'
            arrays[f'{name}.image'], arrays[f'{name}.reconstruction'] = image, other
            arrays[f'{name}.loss'] = maps.mean().detach().numpy().reshape(1)
            arrays[f'{name}.map'] = maps.mean(-1).detach().numpy()
            arrays[f'{name}.gradient'] = y.grad.numpy()
    versions = {'torch': torch.__version__, 'numpy': np.__version__}
    write_safetensors(os.path.join(TARGET, 'structural-similarity.safetensors'), arrays, versions)


def main():
    plain = {'perPixel': per_pixel, 'flattened': flattened}
    teachers = [integer_fill(f'teacher.{level}', shape) for level, shape in enumerate(SHAPES)]
    write('losses', teachers, {**plain, **affinities(TEMPERATURES), 'covariance': covariance_affinity})
    teachers = [crowded(level, shape) for level, shape in enumerate(SHAPES)]
    write('small-temperatures', teachers, affinities(SMALL_TEMPERATURES))
    write_structural_similarity()


main()
