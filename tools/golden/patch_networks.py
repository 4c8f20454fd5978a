"""EfficientAD's student and autoencoder and the strided patch networks of uninformed students, of small widths, in torch.

python3 tools/golden/patch_networks.py  ->  packages/models/test/fixtures/patch-networks.safetensors

Written from torch's own layers after nelson1425/EfficientAD common.py and LuyaooChen/uninformed-students-pytorch models.py,
in float64. Weights, images and the loss's factors come from integer_fill; sampled entries are stored: the outputs, and
the gradients of sum(outputs * factors), concatenated over the sorted names. Parameter counts of the full networks, too.
"""
import json
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

sys.path.insert(0, os.path.dirname(__file__))
from integer_fill import fill_module, integer_fill
from safetensors_writer import write_safetensors

torch.set_num_threads(1)
BATCH = 2
SAMPLES = 40
MEAN, DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


class Pdn(nn.Module):
    """PDN-S and PDN-M; the names are anomalib's."""

    def __init__(self, size, widths, outputs, padded):
        super().__init__()
        first, second = widths
        pad = 1 if padded else 0
        self.size, self.pad = size, pad
        self.conv1 = nn.Conv2d(3, first, 4, padding=3 * pad)
        self.conv2 = nn.Conv2d(first, second, 4, padding=3 * pad)
        if size == 'small':
            self.conv3 = nn.Conv2d(second, second, 3, padding=pad)
            self.conv4 = nn.Conv2d(second, outputs, 4)
        else:
            self.conv3 = nn.Conv2d(second, second, 1)
            self.conv4 = nn.Conv2d(second, second, 3, padding=pad)
            self.conv5 = nn.Conv2d(second, outputs, 4)
            self.conv6 = nn.Conv2d(outputs, outputs, 1)

    def forward(self, x):
        pool = lambda y: F.avg_pool2d(y, 2, 2, padding=self.pad)
        x = pool(F.relu(self.conv1(x)))
        x = pool(F.relu(self.conv2(x)))
        if self.size == 'small':
            return self.conv4(F.relu(self.conv3(x)))
        x = F.relu(self.conv4(F.relu(self.conv3(x))))
        return self.conv6(F.relu(self.conv5(x)))


class Named(nn.Module):
    """conv1, conv2, ..."""

    def __init__(self, layers):
        super().__init__()
        for index, layer in enumerate(layers):
            setattr(self, f'conv{index + 1}', layer)

    def __getitem__(self, index):
        return getattr(self, f'conv{index + 1}')


def decoder_sides(side):
    sides = [side // 64 - 1, side // 32, side // 16 - 1, side // 8, side // 4 - 1, side // 2 - 1]
    return [max(1, value) for value in sides]


class Autoencoder(nn.Module):
    def __init__(self, size, widths, channels, grid):
        super().__init__()
        first, width = widths
        pairs = [(3, first), (first, first), (first, width), (width, width), (width, width)]
        code = nn.Conv2d(width, width, (size[0] // 32, size[1] // 32))
        self.encoder = Named([nn.Conv2d(i, o, 4, 2, 1) for i, o in pairs] + [code])
        decoder = [nn.Conv2d(width, width, 4, 1, 2) for _ in range(6)]
        last = [nn.Conv2d(width, width, 3, 1, 1), nn.Conv2d(width, channels, 3, 1, 1)]
        self.decoder = Named(decoder + last)
        self.sizes = list(zip(decoder_sides(size[0]), decoder_sides(size[1])))
        self.grid = grid

    def forward(self, x):
        for index in range(5):
            x = F.relu(self.encoder[index](x))
        x = self.encoder[5](x)
        for index, size in enumerate(self.sizes):
            x = F.interpolate(x, size=size, mode='bilinear', align_corners=False)
            x = F.relu(self.decoder[index](x))
        x = F.interpolate(x, size=self.grid, mode='bilinear', align_corners=False)
        return self.decoder[7](F.relu(self.decoder[6](x)))


class EfficientAd(nn.Module):
    def __init__(self, o):
        super().__init__()
        self.channels = o['channels']
        self.student = Pdn(o['network'], o['widths'], 2 * self.channels, o['padded'])
        with torch.no_grad():
            grid = self.student(torch.zeros(1, 3, *o['inputSize'])).shape[2:]
        self.autoencoder = Autoencoder(o['inputSize'], o['autoencoder'], self.channels, tuple(grid))

    def forward(self, x, changed):
        c = self.channels
        return [self.student(x)[:, :c], self.autoencoder(changed), self.student(changed)[:, c:]]


class Uninformed(nn.Module):
    """Strided: the poolings of the paper's network of 33 pixels; two in ours of 17."""

    def __init__(self, o):
        super().__init__()
        kernels = {17: [6, 3, 2, 1], 33: [5, 5, 2, 4]}[o['side']]
        channels = [3, *o['widths'], o['channels']]
        layers = [nn.Conv2d(i, c, k) for k, i, c in zip(kernels, channels, channels[1:])]
        self.student = Named(layers)
        self.slope, self.side = o['slope'], o['side']

    def patch(self, x):
        for index in range(4):
            x = self.student[index](x)
            if index < 3:
                x = F.leaky_relu(x, self.slope)
            if index < 2:
                x = F.max_pool2d(x, 2)
        return x

    def forward(self, x):
        """Patch by patch: each of 4 pixels, rounded up, the center of one at the first of them."""
        before = (self.side - 1) // 2
        padded = F.pad(x, (before, self.side + 3, before, self.side + 3))
        rows, columns = ((side + 3) // 4 for side in x.shape[2:])
        patches = [
            torch.cat(
                [self.patch(padded[:, :, 4 * i : 4 * i + self.side, 4 * j : 4 * j + self.side]) for j in range(columns)],
                3,
            )
            for i in range(rows)
        ]
        return [torch.cat(patches, 2)]


def sample(array):
    flat = np.asarray(array, dtype=np.float64).reshape(-1)
    count = min(SAMPLES, flat.size)
    return flat[[i * flat.size // count for i in range(count)]]


EFFICIENT = {'kind': 'efficientad', 'inputSize': [64, 96], 'network': 'small', 'widths': [4, 6], 'padded': True}
EFFICIENT = {**EFFICIENT, 'channels': 3, 'autoencoder': [3, 5], 'dropout': 0.2, 'penaltyImages': 2, 'seed': 1}
PATCH = {'kind': 'patch', 'inputSize': [30, 41], 'widths': [4, 5, 6], 'channels': 3, 'slope': 0.005, 'seed': 1}
CASES = {
    'small-padded': EFFICIENT,
    'small': {**EFFICIENT, 'padded': False, 'inputSize': [64, 64]},
    'medium-padded': {**EFFICIENT, 'network': 'medium', 'inputSize': [64, 64]},
    'patch-17': {**PATCH, 'side': 17},
    'patch-33': {**PATCH, 'side': 33},
}


def run(o, dtype):
    is_efficient = o['kind'] == 'efficientad'
    net = fill_module((EfficientAd(o) if is_efficient else Uninformed(o)).to(dtype))
    inputs = []
    for name in ['images', 'changed'] if is_efficient else ['images']:
        image = integer_fill(f'{name}.running_var', (BATCH, *o['inputSize'], 3)) - np.float32(0.5)
        x = torch.from_numpy(image).to(dtype)
        if is_efficient:
            x = (x - torch.tensor(MEAN, dtype=dtype)) / torch.tensor(DEVIATION, dtype=dtype)
        inputs.append(x.permute(0, 3, 1, 2))
    outputs = [y.permute(0, 2, 3, 1) for y in net(*inputs)]
    factors = [torch.from_numpy(integer_fill(f'factor.{i}', y.shape)).to(dtype) for i, y in enumerate(outputs)]
    sum((y * f).sum() for y, f in zip(outputs, factors)).backward()
    return net, outputs


def count(module):
    return sum(p.numel() for p in module.parameters())


def main():
    arrays, stored = {}, {}
    for name, o in CASES.items():
        net, outputs = run(o, torch.float64)
        named = sorted(net.named_parameters())
        # A ReLU's input within rounding of zero has its gradient decided by chance: such a case compares nothing.
        for (key, exact), (_, single) in zip(named, sorted(run(o, torch.float32)[0].named_parameters())):
            error = (exact.grad - single.grad).abs().max() / exact.grad.abs().max()
            assert error < 2e-5, f'{name} {key}: float32 is {error:.1e} off in torch itself'
        stored[name] = o
        for index, y in enumerate(outputs):
            arrays[f'{name}/output{index}'] = sample(y.detach().numpy())
            arrays[f'{name}/output{index}/shape'] = np.array(y.shape, np.float32)
        arrays[f'{name}/gradients'] = np.concatenate([sample(p.grad.numpy()) for _, p in named])
    counts = {
        'pdn-small': count(Pdn('small', (128, 256), 384, False)),
        'pdn-medium': count(Pdn('medium', (256, 512), 384, False)),
        'student-small': count(Pdn('small', (128, 256), 768, False)),
        'student-medium': count(Pdn('medium', (256, 512), 768, False)),
        'autoencoder': count(Autoencoder((256, 256), (32, 64), 384, (56, 56))),
    }
    target = os.path.join(os.path.dirname(__file__), '../../packages/models/test/fixtures/patch-networks.safetensors')
    metadata = {'torch': torch.__version__, 'numpy': np.__version__, 'batch': BATCH, 'samples': SAMPLES}
    write_safetensors(target, arrays, {**metadata, 'cases': json.dumps(stored), 'counts': json.dumps(counts)})


if __name__ == '__main__':
    main()
