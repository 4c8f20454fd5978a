"""The mathematics of `dskd train` and `dskd evaluate` in PyTorch, to compare wall time and AUROC with.

/usr/bin/python3 bench/peers/dskd_torch.py --data DIR --category NAME --teacher squeezenet1_1 --weights FILE \
  --size 128 --epochs 10 --seed 1 --out result.json

As a PyTorch user would write it: eager, float32, NCHW, autograd, torch.optim.Adam; the affinity is the dense
N x N log-softmax form. The same as in dskd: preset lite, images held out and batches (random_stream.py), the
distributions of the initial weights (not their values), the teacher's features cached in memory after their first
use, evaluation in batches of 8. The two students take turns on both threads; dskd gives each a thread of its own.
"""
import argparse
import json
import os
import pathlib
import resource
import sys
import time

STARTED = time.perf_counter()

import numpy as np
import PIL
import scipy
import torch
import torch.nn.functional as F
import torchvision
from PIL import Image
from scipy.ndimage import gaussian_filter
from scipy.stats import rankdata
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'tools/golden'))
import backbones
from random_stream import batches_of_epoch, hold_out
from students import BASIC, Student

HOLD_OUT = 0.1
EVALUATION_BATCH = 8
TEACHERS = {
    'squeezenet1_1': (backbones.squeezenet1_1, backbones.RGB, backbones.FIRES, (4, 8, 16)),
    'resnet50_v1': (backbones.resnet50_v1, backbones.CAFFE, backbones.LAYERS, (4, 8, 16)),
}
# Blocks and heads of lite at the widths of dskd; the tests' BASIC has its structure at small ones.
LITE = {
    **BASIC,
    'decoderWidths': [64, 128, 256],
    'fusionWidths': [64, 128],
    'phiChannels': 512,
    'gccb': {'variant': 'full', 'channels': 256},
}


class Teacher:
    """Frozen; maps uint8 NHWC images to the maps of its levels."""

    def __init__(self, name, weights):
        make, self.transform, self.levels, self.strides = TEACHERS[name]
        self.net = backbones.load_real(make(), pathlib.Path(weights)).eval().requires_grad_(False)
        self.trunk = self.net.features if name.startswith('squeezenet') else self.net

    @torch.no_grad()
    def __call__(self, images):
        x = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
        mean, std = (torch.tensor(self.transform[key]).float().view(1, 3, 1, 1) for key in ('mean', 'std'))
        x = (x[:, self.transform['order']] * self.transform['scale'] - mean) / std
        maps = []
        # Stops at the deepest level: what follows is not needed.
        for name, module in self.trunk.named_children():
            x = module(x)
            if name in (level.split('.')[-1] for level in self.levels):
                maps.append(x)
            if len(maps) == len(self.levels):
                return maps


def flattened_cosine(teacher, student):
    return sum((1 - F.cosine_similarity(t.flatten(1), s.flatten(1))).mean() for t, s in zip(teacher, student))


def cosine_maps(teacher, student):
    return [1 - F.cosine_similarity(t, s) for t, s in zip(teacher, student)]


def per_pixel_cosine(teacher, student):
    return sum(m.mean() for m in cosine_maps(teacher, student))


def products(a, b):
    """a b^T of each image. A loop: without MKL torch.bmm takes twice the time of its products."""
    return torch.stack([x @ y.T for x, y in zip(a, b)])


def affinity_maps(teacher, student):
    maps = []
    for t, s in zip(teacher, student):
        batch, _, height, width = t.shape
        t, s = (F.normalize(x.flatten(2), dim=1).transpose(1, 2) for x in (t, s))
        log_p = F.log_softmax(products(t, t), dim=2)
        log_q = F.log_softmax(products(s, t), dim=2)
        maps.append((log_p.exp() * (log_p - log_q)).sum(2).view(batch, height, width))
    return maps


def contextual_affinity(teacher, student):
    return sum(m.mean() for m in affinity_maps(teacher, student))


OBJECTIVES = {
    'flattenedCosine': (flattened_cosine, cosine_maps),
    'perPixelCosine': (per_pixel_cosine, cosine_maps),
    'contextualAffinity': (contextual_affinity, affinity_maps),
}


def initialize(student):
    """torch's defaults (which are dskd's for transposed convolutions and biases) but for convolutions."""
    for module in student.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode='fan_out', nonlinearity='relu')
    return student


def make_student(branch, teacher, map_shapes):
    levels = [
        {'name': name, 'channels': shape[0], 'stride': stride}
        for name, shape, stride in zip(teacher.levels, map_shapes, teacher.strides)
    ]
    sizes = [list(shape[1:]) for shape in map_shapes]
    return initialize(Student({'branch': branch, 'levels': levels, 'mapSizes': sizes, 'architecture': LITE}))


class Branch:
    def __init__(self, name, objective, learning_rate, teacher, map_shapes):
        self.name = name
        self.student = make_student(name, teacher, map_shapes)
        self.loss, self.maps = OBJECTIVES[objective]
        self.adam = torch.optim.Adam(self.student.parameters(), lr=learning_rate, betas=(0.5, 0.999), eps=1e-8)
        self.step_seconds = []

    def step(self, features):
        begun = time.perf_counter()
        self.adam.zero_grad(set_to_none=True)
        loss = self.loss(features, self.student(features))
        loss.backward()
        self.adam.step()
        value = loss.item()
        self.step_seconds.append(time.perf_counter() - begun)
        return value

    @torch.no_grad()
    def observe_batch_norm(self, features, index):
        for module in self.student.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = 1 / (index + 1)
        self.student(features)

    @torch.no_grad()
    def raw_map(self, features, size):
        """The levels' maps upsampled and summed: [batch, size, size]."""
        maps = self.maps(features, self.student(features))
        up = [F.interpolate(m[:, None], (size, size), mode='bilinear', align_corners=True)[:, 0] for m in maps]
        return sum(up).numpy()


def list_images(root, folder):
    return [f'{folder}/{name}' for name in sorted(os.listdir(root / folder))]


def read_image(path, size):
    with Image.open(path) as image:
        return np.asarray(image.convert('RGB').resize((size, size), Image.BILINEAR))


def read_mask(path, size):
    with Image.open(path) as mask:
        binary = Image.fromarray(np.where(np.asarray(mask.convert('L')) > 0, 255, 0).astype(np.uint8))
    return np.asarray(binary.resize((size, size), Image.BILINEAR)) > 127.5


def auroc(scores, labels):
    ranks, positive = rankdata(scores), int(np.sum(labels))
    negative = len(labels) - positive
    return float((ranks[labels].sum() - positive * (positive + 1) / 2) / (positive * negative))


def train(args, teacher, branches, images):
    cache = {}

    def features_of(indices):
        missing = [i for i in indices if i not in cache]
        if missing:
            maps = teacher(images[missing])
            for position, i in enumerate(missing):
                cache[i] = [m[position].clone() for m in maps]
        return [torch.stack(maps) for maps in zip(*(cache[i] for i in indices))]

    losses, steps = [], 0
    for epoch in range(args.epochs):
        batches = batches_of_epoch(len(images), args.batch_size, args.seed, epoch)
        sums = {branch.name: 0.0 for branch in branches}
        for indices in batches:
            features = features_of(indices)
            for branch in branches:
                sums[branch.name] += branch.step(features)
            steps += 1
        losses.append({name: total / len(batches) for name, total in sums.items()})
        print(f'epoch {epoch + 1}/{args.epochs}', losses[-1], file=sys.stderr, flush=True)
    if args.reestimate_batch_norm:
        for index, indices in enumerate(batches_of_epoch(len(images), args.batch_size, args.seed, args.epochs)):
            features = features_of(indices)
            for branch in branches:
                branch.observe_batch_norm(features, index)
    for branch in branches:
        branch.student.eval()
    return losses, steps


def raw_maps(teacher, branches, images, batch_size, size):
    """By branch: the raw maps of all images, [images, size, size]."""
    parts = {branch.name: [] for branch in branches}
    for start in range(0, len(images), batch_size):
        features = teacher(images[start : start + batch_size])
        for branch in branches:
            parts[branch.name].append(branch.raw_map(features, size))
    return {name: np.concatenate(maps) for name, maps in parts.items()}


def normalized_maps(raw, constants, size):
    """Eq. 8: by branch and fused, the smoothed maps."""
    sigma = 4 * size / 256
    maps = {}
    for name, stack in raw.items():
        mean, deviation = constants[name]
        normal = (stack - np.float32(mean)) / np.float32(deviation)
        maps[name] = np.stack([gaussian_filter(m, sigma, truncate=4) for m in normal])
    return {**maps, 'fused': sum(maps.values())}


def evaluate(args, root, teacher, branches, constants):
    names = [name for kind in sorted(os.listdir(root / 'test')) for name in list_images(root, f'test/{kind}')]
    images = np.stack([read_image(root / name, args.size) for name in names])
    defects = np.array([name.split('/')[1] for name in names])
    masks = np.zeros(images.shape[:3], bool)
    for index, (name, defect) in enumerate(zip(names, defects)):
        if defect != 'good':
            mask = root / 'ground_truth' / defect / f'{pathlib.Path(name).stem}_mask.png'
            masks[index] = read_mask(mask, args.size)
    raw = raw_maps(teacher, branches, images, EVALUATION_BATCH, args.size)
    result = {}
    for name, maps in normalized_maps(raw, constants, args.size).items():
        scores = maps.max((1, 2))
        by_defect = {
            defect: auroc(scores[chosen], defects[chosen] != 'good')
            for defect in sorted(set(defects) - {'good'})
            for chosen in [(defects == defect) | (defects == 'good')]
        }
        result[name] = {
            'imageAuroc': auroc(scores, defects != 'good'),
            'pixelAuroc': auroc(maps.ravel(), masks.ravel()),
            'imageAurocByDefect': by_defect,
        }
    return result


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--data', type=pathlib.Path, required=True)
    parser.add_argument('--category', required=True)
    parser.add_argument('--teacher', choices=sorted(TEACHERS), required=True)
    parser.add_argument('--weights', required=True)
    parser.add_argument('--size', type=int, default=256)
    parser.add_argument('--preset', choices=['lite'], default='lite')
    parser.add_argument('--epochs', type=int, default=10)
    parser.add_argument('--batch-size', type=int, default=16)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--local-objective', choices=sorted(OBJECTIVES), default='flattenedCosine')
    parser.add_argument('--global-objective', choices=sorted(OBJECTIVES), default='contextualAffinity')
    parser.add_argument('--local-learning-rate', type=float, default=0.005)
    parser.add_argument('--global-learning-rate', type=float, default=0.001)
    parser.add_argument('--reestimate-batch-norm', action='store_true')
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--out', type=pathlib.Path, required=True)
    return parser.parse_args()


def main():
    args = parse_arguments()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    root = args.data / args.category
    seconds, clock = {}, STARTED

    def lap(name):
        nonlocal clock
        now = time.perf_counter()
        seconds[name], clock = now - clock, now

    teacher = Teacher(args.teacher, args.weights)
    shapes = [tuple(m.shape[1:]) for m in teacher(np.zeros((1, args.size, args.size, 3), np.uint8))]
    branches = [
        Branch('local', args.local_objective, args.local_learning_rate, teacher, shapes),
        Branch('global', args.global_objective, args.global_learning_rate, teacher, shapes),
    ]
    lap('start')
    kept, held_out = hold_out(list_images(root, 'train/good'), HOLD_OUT, args.seed)
    images, normal = (np.stack([read_image(root / n, args.size) for n in names]) for names in (kept, held_out))
    lap('reading')
    losses, steps = train(args, teacher, branches, images)
    lap('training')
    raw = raw_maps(teacher, branches, normal, args.batch_size, args.size)
    constants = {name: (float(m.mean(dtype=np.float64)), float(m.std(dtype=np.float64))) for name, m in raw.items()}
    lap('calibrating')
    quality = evaluate(args, root, teacher, branches, constants)
    lap('evaluating')
    fused = quality.pop('fused')
    result = {
        'images': {'training': len(kept), 'heldOut': len(held_out)},
        'steps': steps,
        'seconds': seconds,
        'medianStepSeconds': {b.name: float(np.median(b.step_seconds)) for b in branches},
        'peakMegabytes': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        'losses': losses,
        'constants': {name: {'mean': m, 'standardDeviation': s} for name, (m, s) in constants.items()},
        'fused': fused,
        'branches': quality,
        'threads': torch.get_num_threads(),
        'versions': {
            'python': sys.version.split()[0],
            'torch': torch.__version__,
            'torchvision': torchvision.__version__,
            'scipy': scipy.__version__,
            'numpy': np.__version__,
            'pillow': PIL.__version__,
        },
    }
    args.out.write_text(json.dumps(result, indent=2) + '\n')
    for name, values in {**quality, 'fused': fused}.items():
        print(f"{name}: image AUROC {values['imageAuroc']:.4f}, pixel AUROC {values['pixelAuroc']:.4f}")


if __name__ == '__main__':
    main()
