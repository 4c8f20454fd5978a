"""Goldens of @dskd/data's augmentation: torchvision's color functions on PIL images, PIL's rotation, and
torch's grid_sample (border padding) as the rotation with repeated edges, in float64.

Run with the system python: /usr/bin/python3 tools/golden/data.py
"""
import math
import pathlib

import numpy as np
import PIL
import torch
import torchvision
from PIL import Image
from torchvision.transforms import functional as TF

from integer_fill import integer_fill
from safetensors_writer import write_safetensors

torch.set_num_threads(1)
FIXTURE = pathlib.Path(__file__).parents[2] / 'packages/data/test/fixtures/augmentation.safetensors'


def noise(name, height, width):
    """Noise, with runs of 0 and of 255."""
    unit = integer_fill(name, (height, width, 3)).astype(np.float64) / np.sqrt(3 / (width * 3))
    return np.clip(np.round(128 + 160 * unit), 0, 255).astype(np.uint8)


def every_hue(height, width):
    """All sectors of the color circle, from gray to full color, dark to bright."""
    rows, columns = np.mgrid[0:height, 0:width]
    h = (columns * 255 // (width - 1)).astype(np.uint8)
    s = (rows * 255 // (height - 1)).astype(np.uint8)
    v = (64 + (rows * 7 + columns * 11) % 192).astype(np.uint8)
    return np.asarray(Image.fromarray(np.stack([h, s, v], -1), 'HSV').convert('RGB'))


IMAGES = {
    'noise': noise('noise', 13, 17),
    'hues': every_hue(12, 49),
    'one_pixel': noise('one', 1, 1),
    'tall': noise('tall', 21, 4),
    'flat': np.full((5, 6, 3), (200, 90, 17), np.uint8),
}
ADJUST = {
    'brightness': (TF.adjust_brightness, [0, 0.35, 0.9, 0.97, 1, 1.08, 1.5, 2.7]),
    'contrast': (TF.adjust_contrast, [0, 0.35, 0.9, 0.97, 1, 1.08, 1.5, 2.7]),
    'saturation': (TF.adjust_saturation, [0, 0.35, 0.9, 0.97, 1, 1.08, 1.5, 2.7]),
    'hue': (TF.adjust_hue, [-0.5, -0.21, -0.02, 0.001, 0.05, 0.33, 0.5]),
}
TURNED = ('noise', 'one_pixel', 'tall')
ANGLES = [-180, -90, -33, -3, -0.4, 0, 1.7, 3, 45, 90, 123.4]


def with_repeated_edges(image, degrees):
    """Source coordinates of every pixel's center, clamped to the centers of the edge pixels."""
    height, width, _ = image.shape
    angle = math.radians(degrees)
    rows, columns = np.mgrid[0:height, 0:width]
    right, down = columns + 0.5 - width / 2, rows + 0.5 - height / 2
    x = width / 2 + math.cos(angle) * right - math.sin(angle) * down
    y = height / 2 + math.sin(angle) * right + math.cos(angle) * down
    grid = torch.from_numpy(np.stack([2 * x / width - 1, 2 * y / height - 1], -1))[None]
    source = torch.from_numpy(image.astype(np.float64)).permute(2, 0, 1)[None]
    sampled = torch.nn.functional.grid_sample(
        source, grid, mode='bilinear', padding_mode='border', align_corners=False
    )
    return sampled[0].permute(1, 2, 0).numpy()


arrays = {}
for name, pixels in IMAGES.items():
    image = Image.fromarray(pixels)
    white = Image.new('L', image.size, 255)
    arrays[f'{name}.source'] = pixels
    for kind, (adjust, factors) in ADJUST.items():
        for factor in factors:
            arrays[f'{name}.{kind}.{factor}'] = np.asarray(adjust(image, factor))
    for angle in ANGLES if name in TURNED else []:
        arrays[f'{name}.repeated.{angle}'] = with_repeated_edges(pixels, angle).astype(np.float32)
        arrays[f'{name}.rotated.{angle}'] = np.asarray(image.rotate(angle, Image.BILINEAR))
        # 255 where PIL reads inside the image; elsewhere it fills with black.
        arrays[f'{name}.inside.{angle}'] = np.asarray(white.rotate(angle, Image.BILINEAR))
FIXTURE.parent.mkdir(parents=True, exist_ok=True)
write_safetensors(
    FIXTURE,
    arrays,
    {
        'generator': 'tools/golden/data.py',
        'pillow': PIL.__version__,
        'torch': torch.__version__,
        'torchvision': torchvision.__version__,
    },
)
