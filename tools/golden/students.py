"""Students of small widths in torch, with the names and layouts of packages/models/src/students.

python3 tools/golden/students.py  ->  packages/models/test/fixtures/students.safetensors

Written from torch's own layers, in float64. Weights, features and the loss's factors come from integer_fill;
sampled entries are stored: per case the outputs in both modes, the running statistics after one training
pass, and the gradients of sum(outputs * factors), concatenated over the sorted names.
"""
import json
import math
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
BATCH = 4
SAMPLES = 20


def fit(x, size):
    return F.pad(x, (0, size[1] - x.shape[3], 0, size[0] - x.shape[2]))


class Fit(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.size = size

    def forward(self, x):
        return fit(x, self.size)


def conv(inputs, outputs, kernel, stride=1, bias=False):
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=bias)


def resample(kind, inputs, outputs):
    if kind == 'double':
        return nn.ConvTranspose2d(inputs, outputs, 2, 2, bias=False)
    return conv(inputs, outputs, 3, 2 if kind == 'halve' else 1)


class Block(nn.Module):
    def __init__(self, block, inputs, outputs, ratio, kind, size=None):
        super().__init__()
        self.block, self.kind, self.size = block, kind, size
        if block == 'basic':
            self.conv1 = resample(kind, inputs, outputs)
            self.bn1 = nn.BatchNorm2d(outputs)
            self.conv2 = conv(outputs, outputs, 3)
            self.bn2 = nn.BatchNorm2d(outputs)
        else:
            inner = round(outputs * ratio)
            self.conv1 = conv(inputs, inner, 1)
            self.bn1 = nn.BatchNorm2d(inner)
            self.conv2 = resample(kind, inner, inner)
            self.bn2 = nn.BatchNorm2d(inner)
            self.conv3 = conv(inner, outputs, 1)
            self.bn3 = nn.BatchNorm2d(outputs)
        if kind == 'double':
            self.upsample = nn.Sequential(
                nn.ConvTranspose2d(inputs, outputs, 2, 2, bias=False), nn.BatchNorm2d(outputs)
            )
        elif kind == 'halve' or inputs != outputs:
            self.downsample = nn.Sequential(
                conv(inputs, outputs, 1, 2 if kind == 'halve' else 1), nn.BatchNorm2d(outputs)
            )

    def sized(self, x):
        return fit(x, self.size) if self.kind == 'double' else x

    def forward(self, x):
        if self.block == 'basic':
            y = self.bn2(self.conv2(F.relu(self.bn1(self.sized(self.conv1(x))))))
        else:
            y = F.relu(self.bn1(self.conv1(x)))
            y = self.bn3(self.conv3(F.relu(self.bn2(self.sized(self.conv2(y))))))
        if hasattr(self, 'upsample'):
            x = self.upsample[1](self.sized(self.upsample[0](x)))
        elif hasattr(self, 'downsample'):
            x = self.downsample(x)
        return F.relu(x + y)


def stage(a, inputs, outputs, blocks, kind, size=None):
    first = Block(a['block'], inputs, outputs, a['innerRatio'], kind, size)
    rest = [Block(a['block'], outputs, outputs, a['innerRatio'], 'keep') for _ in range(blocks - 1)]
    return nn.Sequential(first, *rest)


class LocalBottleneck(nn.Module):
    def __init__(self, a, channels, sizes, halves):
        super().__init__()
        self.sizes, self.paths, index = sizes, [], 0
        for level in range(len(channels) - 1):
            inputs, steps = channels[level], []
            for following in range(level + 1, len(channels)):
                index += 1
                outputs = a['fusionWidths'][following - 1]
                setattr(self, f'conv{index}', conv(inputs, outputs, 3, 2 if halves[following - 1] else 1))
                setattr(self, f'bn{index}', nn.BatchNorm2d(outputs))
                steps.append((index, sizes[following]))
                inputs = outputs
            self.paths.append(steps)
        fused = sum(a['fusionWidths'][-1] for _ in self.paths) + channels[-1]
        self.bn_layer = stage(a, fused, a['phiChannels'], a['bottleneckBlocks'], 'halve')

    def forward(self, features):
        arrived = []
        for x, steps in zip(features, self.paths):
            for index, size in steps:
                x = fit(getattr(self, f'conv{index}')(x), size)
                x = F.relu(getattr(self, f'bn{index}')(x))
            arrived.append(x)
        return self.bn_layer(torch.cat(arrived + [features[-1]], 1))


class GlobalBottleneck(nn.Module):
    def __init__(self, a, channels, *_):
        super().__init__()
        self.layer4 = stage(a, channels[-1], a['phiChannels'], a['bottleneckBlocks'], 'halve')

    def forward(self, features):
        return self.layer4(features[-1])


class Gccb(nn.Module):
    def __init__(self, a, size):
        super().__init__()
        self.variant, self.size, phi = a['gccb']['variant'], size, a['phiChannels']
        g = a['gccb']['channels']
        self.narrow = g != phi
        if self.narrow:
            self.reduce, self.reduce_bn = conv(phi, g, 1), nn.BatchNorm2d(g)
        if self.variant in ('full', 'depthwise'):
            groups = g if self.variant == 'depthwise' else 1
            self.condense = nn.Conv2d(g, g, size, groups=groups, bias=False)
            self.restore = nn.ConvTranspose2d(g, g, size, groups=groups, bias=False)
        if self.variant == 'pyramid':
            self.steps = math.ceil(math.log2(max(size)))
            for step in range(1, self.steps + 1):
                setattr(self, f'down{step}', conv(g, g, 3, 2))
                setattr(self, f'up{step}', nn.ConvTranspose2d(g, g, 2, 2, bias=False))
                if step < self.steps:
                    setattr(self, f'down_bn{step}', nn.BatchNorm2d(g))
                    setattr(self, f'up_bn{step}', nn.BatchNorm2d(g))
        self.restore_bn = nn.BatchNorm2d(g)
        if self.narrow:
            self.expand, self.expand_bn = conv(g, phi, 1), nn.BatchNorm2d(phi)

    def condensed(self, x):
        if self.variant == 'pool':
            return x.mean((2, 3), keepdim=True).expand_as(x)
        if self.variant != 'pyramid':
            return self.restore(self.condense(x))
        sizes = [x.shape[2:]]
        for step in range(1, self.steps + 1):
            x = getattr(self, f'down{step}')(x)
            if step < self.steps:
                x = F.relu(getattr(self, f'down_bn{step}')(x))
            sizes.append(x.shape[2:])
        assert tuple(sizes[-1]) == (1, 1)
        for step in range(1, self.steps + 1):
            x = fit(getattr(self, f'up{step}')(x), sizes[-step - 1])
            if step < self.steps:
                x = F.relu(getattr(self, f'up_bn{step}')(x))
        return x

    def forward(self, x):
        if self.narrow:
            x = F.relu(self.reduce_bn(self.reduce(x)))
        x = F.relu(self.restore_bn(self.condensed(x)))
        return F.relu(self.expand_bn(self.expand(x))) if self.narrow else x


class Decoder(nn.Module):
    def __init__(self, a, channels, sizes, halves):
        super().__init__()
        self.count, inputs = len(channels), a['phiChannels']
        for index, level in enumerate(reversed(range(self.count))):
            doubles = index == 0 or halves[level]
            outputs = a['decoderWidths'][level]
            layer = stage(
                a, inputs, outputs, a['decoderBlocks'][index], 'double' if doubles else 'keep', sizes[level]
            )
            setattr(self, f'layer{index + 1}', layer)
            inputs = outputs
        self.heads = a['heads']
        if self.heads:
            for level in range(self.count):
                head = conv(a['decoderWidths'][level], channels[level], 1, bias=True)
                setattr(self, f'head{level + 1}', head)

    def forward(self, x):
        outputs = []
        for index in range(self.count):
            x = getattr(self, f'layer{index + 1}')(x)
            outputs.insert(0, x)
        if self.heads:
            outputs = [getattr(self, f'head{i + 1}')(y) for i, y in enumerate(outputs)]
        return outputs


class Student(nn.Module):
    def __init__(self, case):
        super().__init__()
        a, channels = case['architecture'], [level['channels'] for level in case['levels']]
        strides = [level['stride'] for level in case['levels']]
        halves = [deep == 2 * shallow for shallow, deep in zip(strides, strides[1:])]
        sizes = case['mapSizes']
        kind = LocalBottleneck if case['branch'] == 'local' else GlobalBottleneck
        self.bottleneck = kind(a, channels, sizes, halves)
        phi = [math.ceil(side / 2) for side in sizes[-1]]
        if case['branch'] == 'global' and a['gccb']['variant'] != 'none':
            self.gccb = Gccb(a, phi)
        self.decoder = Decoder(a, channels, sizes, halves)

    def forward(self, features):
        x = self.bottleneck(features)
        return self.decoder(self.gccb(x) if hasattr(self, 'gccb') else x)


def sample(array):
    flat = np.asarray(array, dtype=np.float64).reshape(-1)
    count = min(SAMPLES, flat.size)
    return flat[[i * flat.size // count for i in range(count)]]


BASIC = {
    'block': 'basic',
    'innerRatio': 1,
    'decoderWidths': [4, 6, 8],
    'decoderBlocks': [2, 2, 2],
    'heads': True,
    'fusionWidths': [3, 5],
    'phiChannels': 12,
    'bottleneckBlocks': 2,
    'gccb': {'variant': 'full', 'channels': 7},
}
BOTTLENECK = {
    **BASIC,
    'block': 'bottleneck',
    'innerRatio': 0.5,
    'decoderWidths': [4, 6, 8],
    'decoderBlocks': [2, 1, 2],
    'heads': False,
    'fusionWidths': [6, 8],
    'phiChannels': 16,
}
ODD = [[17, 13], [9, 7], [5, 4]]


def levels(channels, strides=(4, 8, 16)):
    return [{'name': f'level{i + 1}', 'channels': c, 'stride': s} for i, (c, s) in enumerate(zip(channels, strides))]


def case(preset, branch, architecture, channels=(4, 6, 8), strides=(4, 8, 16), sizes=ODD, **gccb):
    return {
        'preset': preset,
        'branch': branch,
        'levels': levels(channels, strides),
        'inputSize': [68, 52],
        'mapSizes': sizes,
        'architecture': {**architecture, 'gccb': {**architecture['gccb'], **gccb}},
    }


NANO = {**BASIC, 'decoderBlocks': [1, 1, 1], 'bottleneckBlocks': 1}
CASES = {
    'local-paper': case('paper', 'local', BOTTLENECK),
    'local-lite': case('lite', 'local', BASIC, (5, 6, 7)),
    'local-nano': case('nano', 'local', NANO, (5, 6, 7)),
    'local-floor-sizes': case('nano', 'local', NANO, sizes=[[17, 13], [8, 6], [4, 3]]),
    'local-equal-strides': case('nano', 'local', NANO, strides=(4, 8, 8), sizes=[[13, 10], [7, 5], [7, 5]]),
    'global-paper': case('paper', 'global', BOTTLENECK),
    'global-lite': case('lite', 'global', BASIC, (5, 6, 7)),
}
for variant in ('full', 'depthwise', 'pool', 'pyramid', 'none'):
    CASES[f'global-nano-{variant}'] = case('nano', 'global', NANO, (5, 6, 7), variant=variant)
    if variant != 'none':
        wide = {**NANO, 'gccb': {'variant': variant, 'channels': NANO['phiChannels']}}
        CASES[f'global-nano-{variant}-every-channel'] = case('nano', 'global', wide, (5, 6, 7))


def run(options, dtype):
    student = fill_module(Student(options).to(dtype))
    shapes = [(BATCH, level['channels'], *size) for level, size in zip(options['levels'], options['mapSizes'])]
    features = [torch.from_numpy(integer_fill(f'feature.{i}', s)).to(dtype) for i, s in enumerate(shapes)]
    factors = [torch.from_numpy(integer_fill(f'factor.{i}', s)).to(dtype) for i, s in enumerate(shapes)]
    student.eval()
    with torch.no_grad():
        inference = student(features)
    student.train()
    outputs = student(features)
    sum((y * f).sum() for y, f in zip(outputs, factors)).backward()
    assert all(tuple(y.shape) == s for y, s in zip(outputs, shapes))
    return student, inference, outputs


def golden(options):
    student, inference, outputs = run(options, torch.float64)
    named = sorted(student.named_parameters())
    # A ReLU's input within rounding of zero has its gradient decided by chance: such a case compares nothing.
    for (name, exact), (_, single) in zip(named, sorted(run(options, torch.float32)[0].named_parameters())):
        error = (exact.grad - single.grad).abs().max() / exact.grad.abs().max()
        assert error < 2e-5, f'{name}: float32 is {error:.1e} off in torch itself'
    running = sorted((n, b) for n, b in student.named_buffers() if 'running' in n)
    nhwc = lambda maps: np.concatenate([sample(y.detach().permute(0, 2, 3, 1).numpy()) for y in maps])
    names = sorted(n for n in student.state_dict() if 'num_batches' not in n)
    return {
        'inference': nhwc(inference),
        'training': nhwc(outputs),
        'running': np.concatenate([sample(b.numpy()) for _, b in running]),
        'gradients': np.concatenate([sample(p.grad.numpy()) for _, p in named]),
    }, names


def main():
    arrays, stored = {}, {}
    for name, options in CASES.items():
        results, names = golden(options)
        stored[name] = {**options, 'names': len(names)}
        for key, value in results.items():
            arrays[f'{name}/{key}'] = value
    target = os.path.join(os.path.dirname(__file__), '../../packages/models/test/fixtures/students.safetensors')
    metadata = {'torch': torch.__version__, 'numpy': np.__version__, 'batch': BATCH, 'samples': SAMPLES}
    write_safetensors(target, arrays, {**metadata, 'cases': json.dumps(stored)})


if __name__ == '__main__':
    main()
