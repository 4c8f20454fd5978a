"""The networks of f-AnoGAN, of two channels, in torch.

python3 tools/golden/fanogan.py  ->  packages/models/test/fixtures/fanogan.safetensors

Written from torch's own layers after tSchlegl/f-AnoGAN wgangp_64x64.py and z_encoding_izif.py, with its convolutions before
or after each mean and repetition, in float64. Weights, images and the loss's factors come from integer_fill; sampled entries are
stored: reconstruction and features with the encoder's gradients of sum(outputs * factors), the critic's values with the critic's
gradients, and those of generated images with the generator's, concatenated over the sorted names. Parameter counts at D = 64, too.
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
BATCH = 3
SAMPLES = 40
WIDTH, LATENT = 2, 3


class LayerNorm(nn.Module):
    """Over channels, rows and columns, with a gain and a bias for each channel."""

    def __init__(self, channels):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        y = F.layer_norm(x, x.shape[1:], eps=1e-5)
        return y * self.weight[:, None, None] + self.bias[:, None, None]


def batch_norm(channels):
    return nn.BatchNorm2d(channels, eps=1e-3)


class Block(nn.Module):
    def __init__(self, inputs, outputs, norm, up):
        super().__init__()
        self.up = up
        middle = outputs if up else inputs
        self.shortcut = nn.Conv2d(inputs, outputs, 1)
        self.norm1, self.norm2 = norm(inputs), norm(middle)
        self.conv1 = nn.Conv2d(inputs, middle, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(middle, outputs, 3, padding=1)

    def forward(self, x):
        y = F.relu(self.norm1(x))
        if self.up:
            y = self.conv2(F.relu(self.norm2(self.conv1(F.interpolate(y, scale_factor=2, mode='nearest')))))
            return self.shortcut(F.interpolate(x, scale_factor=2, mode='nearest')) + y
        y = F.avg_pool2d(self.conv2(F.relu(self.norm2(self.conv1(y)))), 2)
        return self.shortcut(F.avg_pool2d(x, 2)) + y


class Down(nn.Module):
    def __init__(self, width, outputs, norm):
        super().__init__()
        self.input = nn.Conv2d(1, width, 3, padding=1)
        channels = [width, 2 * width, 4 * width, 8 * width, 8 * width]
        for index in range(4):
            setattr(self, f'block{index + 1}', Block(channels[index], channels[index + 1], norm, False))
        self.output = nn.Conv2d(8 * width, outputs, 4)

    def features(self, x):
        x = self.input(x)
        for index in range(4):
            x = getattr(self, f'block{index + 1}')(x)
        return x

    def forward(self, x):
        return self.output(self.features(x))


class Generator(nn.Module):
    def __init__(self, width, latent):
        super().__init__()
        self.input = nn.ConvTranspose2d(latent, 8 * width, 4)
        channels = [8 * width, 8 * width, 4 * width, 2 * width, width]
        for index in range(4):
            setattr(self, f'block{index + 1}', Block(channels[index], channels[index + 1], batch_norm, True))
        self.norm = batch_norm(width)
        self.output = nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, z):
        x = self.input(z)
        for index in range(4):
            x = getattr(self, f'block{index + 1}')(x)
        return torch.tanh(self.output(F.relu(self.norm(x))))


class Networks(nn.Module):
    def __init__(self, width, latent):
        super().__init__()
        self.generator = Generator(width, latent)
        self.encoder = Down(width, latent, batch_norm)
        self.critic = Down(width, 1, LayerNorm)


def sample(array):
    flat = np.asarray(array, dtype=np.float64).reshape(-1)
    count = min(SAMPLES, flat.size)
    return flat[[i * flat.size // count for i in range(count)]]


def tensor(name, shape, dtype):
    return torch.from_numpy(integer_fill(name, shape)).to(dtype)


def run(dtype):
    """Outputs by name, as [batch, height, width, channels], and gradients by case and parameter."""
    net = fill_module(Networks(WIDTH, LATENT).to(dtype))
    # The values of integer_fill lie in 0.5..1.5.
    images = (2 * tensor('images.running_var', (BATCH, 64, 64, 1), dtype) - 2).permute(0, 3, 1, 2)
    vectors = tensor('vectors', (BATCH, 1, 1, LATENT), dtype).permute(0, 3, 1, 2)
    outputs, gradients = {}, {}

    def case(name, group, tensors):
        net.zero_grad()
        shown = [y.permute(0, 2, 3, 1) for y in tensors]
        for index, y in enumerate(shown):
            outputs[f'{name}/output{index}'] = y.detach().numpy()
        factors = [tensor(f'factor.{index}', y.shape, dtype) for index, y in enumerate(shown)]
        sum((y * f).sum() for y, f in zip(shown, factors)).backward()
        for key, parameter in sorted(net.named_parameters()):
            if key.startswith(group):
                gradients[f'{name}/{key}'] = parameter.grad.numpy().copy()

    net.eval()
    net.encoder.train()
    reconstruction = net.generator(torch.tanh(net.encoder(images)))
    case('encoder', 'encoder.', [reconstruction, net.critic.features(images), net.critic.features(reconstruction)])
    case('critic', 'critic.', [net.critic(images)])
    # With running statistics: those of a batch take what is the same at all positions away, and biases have no gradient.
    case('generator', 'generator.', [net.critic(net.generator(vectors))])
    return outputs, gradients


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def main():
    outputs, gradients = run(torch.float64)
    # A ReLU's input within rounding of zero has its gradient decided by chance: such a case compares nothing.
    for key, single in run(torch.float32)[1].items():
        error = np.abs(gradients[key] - single).max() / np.abs(gradients[key]).max()
        assert error < 1e-3, f'{key}: float32 is {error:.1e} off in torch itself'
    arrays = {}
    for key, y in outputs.items():
        arrays[key] = sample(y)
        arrays[f'{key}/shape'] = np.array(y.shape, np.float32)
    for name in ['encoder', 'critic', 'generator']:
        keys = sorted(key for key in gradients if key.startswith(f'{name}/'))
        arrays[f'{name}/gradients'] = np.concatenate([sample(gradients[key]) for key in keys])
    published = Networks(64, 128)
    counts = {name: count(getattr(published, name)) for name in ['generator', 'encoder', 'critic']}
    target = os.path.join(os.path.dirname(__file__), '../../packages/models/test/fixtures/fanogan.safetensors')
    stored = {'torch': torch.__version__, 'numpy': np.__version__, 'batch': BATCH, 'samples': SAMPLES}
    stored = {**stored, 'width': WIDTH, 'latent': LATENT, 'counts': json.dumps(counts)}
    write_safetensors(target, arrays, stored)


if __name__ == '__main__':
    main()
