"""A Wide-ResNet's stage 4 in torchvision's own blocks at small widths, float64.

/usr/bin/python3 tools/golden/stage4.py  ->  packages/models/test/fixtures/stage4.safetensors

Three Bottleneck blocks from 8 to 16 channels (planes 4, base_width 128 as in wide_resnet50_2, so 8 inside), filled
by name under `layer4.`. Stored: the outputs [batch, height, width, channels] in both modes, and the running
statistics after one training pass, concatenated over the sorted names.
"""
import os
import sys

import numpy as np
import torch
from torch import nn
from torchvision.models.resnet import Bottleneck

sys.path.insert(0, os.path.dirname(__file__))
from integer_fill import fill_module, integer_fill
from safetensors_writer import write_safetensors

torch.set_num_threads(1)


def stage():
    shortcut = nn.Sequential(nn.Conv2d(8, 16, 1, 2, bias=False), nn.BatchNorm2d(16))
    first = Bottleneck(8, 4, stride=2, downsample=shortcut, base_width=128)
    return nn.Sequential(first, *[Bottleneck(16, 4, base_width=128) for _ in range(2)])


def main():
    net = fill_module(stage().double(), 'layer4.')
    features = torch.from_numpy(integer_fill('feature', (4, 8, 9, 6))).double()
    with torch.no_grad():
        inference = net.eval()(features)
        training = net.train()(features)
    nhwc = lambda maps: maps.permute(0, 2, 3, 1).contiguous().numpy()
    running = sorted((n, b) for n, b in net.named_buffers() if 'running' in n)
    arrays = {
        'inference': nhwc(inference),
        'training': nhwc(training),
        'running': np.concatenate([b.numpy() for _, b in running]),
    }
    target = os.path.join(os.path.dirname(__file__), '../../packages/models/test/fixtures/stage4.safetensors')
    write_safetensors(target, arrays, {'torch': torch.__version__, 'numpy': np.__version__})
    print(os.path.getsize(target))


if __name__ == '__main__':
    main()
