"""Training steps, features and a fit of `instant` in PyTorch, on a GPU where there is one: the peer of bench/gpu.mjs.

/usr/bin/python3 bench/peers/gpu_torch.py FILE

FILE is JSON that bench/gpu.mjs writes. The networks are those of the tests (tools/golden), the weights come from the same
formula, float32, eager, NCHW, autograd, torch.optim.Adam. Prints JSON.
"""
import json
import pathlib
import sys
import time

import numpy as np
import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tools/golden'))
import backbones
import fit_torch
from dskd_torch import OBJECTIVES
from integer_fill import fill_module, integer_fill
from students import Student

DEVICE = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
MODELS = {'resnet18': 3, 'resnet50': 3, 'wide_resnet50_2': 3}


def wait():
    if DEVICE.type == 'cuda':
        torch.cuda.synchronize()


def peak_bytes():
    return torch.cuda.max_memory_allocated() if DEVICE.type == 'cuda' else None


def make_teacher(name):
    import torchvision

    if name not in MODELS:
        raise SystemExit(f'Got the teacher {name}; wanted one of {", ".join(MODELS)}.')
    net = fill_module(getattr(torchvision.models, name)(weights=None)).float().eval().requires_grad_(False).to(DEVICE)

    @torch.no_grad()
    def features(images):
        x = net.maxpool(net.relu(net.bn1(net.conv1(images))))
        maps = []
        for layer in (net.layer1, net.layer2, net.layer3):
            x = layer(x)
            maps.append(x)
        return maps

    return features


def normalized(pixels):
    """RGB, 0..1, [batch, height, width, 3], as ImageNet's networks want it."""
    mean = torch.tensor(backbones.RGB['mean'], device=DEVICE)
    deviation = torch.tensor(backbones.RGB['std'], device=DEVICE)
    return ((pixels.to(DEVICE) - mean) / deviation).permute(0, 3, 1, 2).contiguous()


def make_images(case):
    """The images of bench/gpu.mjs: a formula."""
    batch, side = case['batch'], case['side']
    return normalized(torch.from_numpy(integer_fill('images.running_var', (batch, side, side, 3)) - np.float32(0.5)))


def train(case):
    torch.manual_seed(0)
    teacher, images = make_teacher(case['teacher']), make_images(case)
    branches = []
    for branch in case['branches']:
        student = fill_module(Student(branch['config'])).float().to(DEVICE).train()
        loss = OBJECTIVES[branch['objective']][0]
        adam = torch.optim.Adam(student.parameters(), lr=branch['learningRate'], betas=(0.5, 0.999), eps=1e-8)
        branches.append((student, loss, adam))
    seconds, losses = [], []
    for _ in range(case['steps']):
        wait()
        begun = time.perf_counter()
        features = teacher(images)
        of_step = []
        for student, loss, adam in branches:
            adam.zero_grad(set_to_none=True)
            value = loss(features, student(features))
            value.backward()
            adam.step()
            of_step.append(value.item())
        wait()
        seconds.append(time.perf_counter() - begun)
        losses.append(of_step)
    return {'seconds': seconds, 'losses': losses}


def extract(case):
    teacher, images = make_teacher(case['teacher']), make_images(case)
    seconds = []
    for _ in range(case['steps']):
        wait()
        begun = time.perf_counter()
        maps = teacher(images)
        sums = [float(m.double().mean()) for m in maps]
        seconds.append(time.perf_counter() - begun)
    return {'seconds': seconds, 'means': sums}


def fit(case):
    """The prototype of `instant` in fit_torch.py with another teacher; its tensors are on the GPU, too."""
    if DEVICE.type == 'cuda':
        torch.set_default_tensor_type('torch.cuda.FloatTensor')
    fit_torch.SIDE = case['side']
    features = make_teacher(case['teacher'])
    pixels = lambda images: torch.from_numpy(np.stack(images)).to(DEVICE).float() / 255
    wait()
    begun = time.perf_counter()
    fitted = fit_torch.fit_with(lambda images: features(normalized(pixels(images))), case['files'])
    wait()
    return {'seconds': time.perf_counter() - begun, **fitted}


def main():
    case = json.loads(pathlib.Path(sys.argv[1]).read_text())
    result = {'train': train, 'extract': extract, 'fit': fit}[case['kind']](case)
    device = torch.cuda.get_device_name() if DEVICE.type == 'cuda' else 'cpu'
    print(json.dumps({**result, 'peakBytes': peak_bytes(), 'torch': torch.__version__, 'device': device}))


main()
