"""The fit of `instant` as a prototype in PyTorch: a peer of bench/ratios/fit.mjs.

/usr/bin/python3 bench/peers/fit_torch.py THREADS

Decodes with Pillow; features of the embedded teacher in batches; a bank of patches of all levels (greedy k-center in 64 random
dimensions), a principal subspace of whole maps, a Gaussian of pooled features; then scores of the images that are held out. It does
not count pieces, and stores nothing in float16.
"""
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'tools/golden'))
import backbones
from answers import answer
from coreset_torch import select

SIDE = 256
BATCH = 8
BANK, DIMENSIONS, MOST_PATCHES, COMPONENTS = 1200, 64, 60_000, 40


def read(path):
    with Image.open(path) as image:
        return np.asarray(image.convert('RGB').resize((SIDE, SIDE), Image.BILINEAR))


class Teacher:
    def __init__(self, weights):
        self.net = backbones.load_real(backbones.TeacherTiny(), weights).eval()
        self.mean, self.std = (torch.tensor(backbones.RGB[key]).float().view(1, 3, 1, 1) for key in ('mean', 'std'))

    def __call__(self, images):
        x = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255
        x = torch.relu(self.net.bn1(self.net.conv1((x - self.mean) / self.std)))
        levels = []
        for layer in (self.net.layer1, self.net.layer2, self.net.layer3):
            x = layer(x)
            levels.append(x)
        return levels


def means(x):
    return F.avg_pool2d(x, 3, 1, 1)


def to_grid(x, side):
    return x if x.shape[2] == side else F.interpolate(x, (side, side), mode='bilinear', align_corners=False)


def patches(levels):
    """[batch, positions, channels] on the grid of stride 8."""
    joined = torch.cat([to_grid(means(level), SIDE // 8) for level in levels], 1)
    return joined.flatten(2).transpose(1, 2)


def whole_maps(levels):
    return torch.cat([means(to_grid(level, SIDE // 16)) for level in levels[-2:]], 1).flatten(1)


def pooled(levels):
    return torch.cat([part for level in levels for part in (level.mean((2, 3)), level.flatten(2).std(2))], 1)


def fit_bank(rows):
    signs = torch.randint(0, 2, (rows.shape[1], DIMENSIONS)).float() * 2 - 1
    chosen, _ = select(rows @ (signs / DIMENSIONS**0.5), BANK, 0)
    return rows[chosen]


def fit_subspace(rows):
    mean = rows.mean(0)
    # The rows are fewer than their values: the axes of the small product.
    values, vectors = torch.linalg.eigh((rows - mean) @ (rows - mean).T)
    axes = (rows - mean).T @ vectors[:, -COMPONENTS:]
    return mean, axes / axes.norm(dim=0)


def fit_gaussian(rows):
    mean, count = rows.mean(0), len(rows)
    covariance = (rows - mean).T @ (rows - mean) / (count - 1)
    shrunk = 0.9 * covariance + 0.1 * covariance.diagonal().mean() * torch.eye(rows.shape[1])
    return mean, torch.linalg.inv(shrunk)


@torch.inference_mode()
def fit_with(teacher, files):
    """`teacher` maps a list of images (uint8, height x width x 3) to the maps of three levels."""
    torch.manual_seed(1)
    held_out = len(files) // 10
    files, calibration = files[:-held_out], files[-held_out:]
    each = min((SIDE // 8) ** 2, MOST_PATCHES // len(files))
    bank_rows, maps, pools = [], [], []
    for start in range(0, len(files), BATCH):
        levels = teacher([read(file) for file in files[start : start + BATCH]])
        for image in patches(levels):
            bank_rows.append(image[torch.randperm(len(image))[:each]])
        maps.append(whole_maps(levels))
        pools.append(pooled(levels))
    bank = fit_bank(torch.cat(bank_rows))
    mean, axes = fit_subspace(torch.cat(maps))
    center, inverse = fit_gaussian(torch.cat(pools))
    scores = []
    for start in range(0, len(calibration), BATCH):
        levels = teacher([read(file) for file in calibration[start : start + BATCH]])
        local = torch.stack([torch.cdist(image, bank).min(1).values.max() for image in patches(levels)])
        rest = whole_maps(levels) - mean
        residual = (rest - rest @ axes @ axes.T).norm(dim=1)
        away = pooled(levels) - center
        scores.append(torch.stack([local, residual, ((away @ inverse) * away).sum(1)], 1))
    scores = torch.cat(scores)
    return {'images': len(files) + len(calibration), 'scoreMeans': scores.mean(0).tolist()}


def fit(files, weights):
    return fit_with(Teacher(pathlib.Path(weights)), files)


if __name__ == '__main__':
    answer({'fit': fit}, int(sys.argv[1]))
