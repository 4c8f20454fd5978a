"""Goldens of @dskd/core: Pillow's resize, scipy's gaussian_filter, torch's interpolate.

Run with the system python: /usr/bin/python3 tools/golden/core.py
"""
import pathlib
import sys

import numpy as np
import PIL
import scipy
import torch
import torch.nn.functional as F
from PIL import Image
from scipy.ndimage import gaussian_filter

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from integer_fill import integer_fill
from safetensors_writer import write_safetensors

torch.set_num_threads(1)
FIXTURES = pathlib.Path(__file__).parents[2] / 'packages/core/test/fixtures'

# name, width, height, channels, new width, new height
RESIZES = [
    ('shrink_rgb', 61, 47, 3, 17, 13),
    ('shrink_much_rgb', 200, 130, 3, 7, 5),
    ('grow_rgb', 9, 7, 3, 31, 23),
    ('mixed_rgb', 40, 9, 3, 11, 20),
    ('rows_only_rgb', 33, 21, 3, 16, 21),
    ('columns_only_rgb', 21, 33, 3, 21, 16),
    ('same_rgb', 12, 10, 3, 12, 10),
    ('from_one_pixel_rgb', 1, 1, 3, 5, 4),
    ('to_one_pixel_rgb', 23, 19, 3, 1, 1),
    ('thin_rgb', 1, 37, 3, 3, 11),
    ('shrink_gray', 101, 77, 1, 32, 32),
    ('grow_gray', 5, 3, 1, 14, 11),
    ('shrink_rgba', 53, 41, 4, 16, 12),
    ('grow_rgba', 6, 8, 4, 19, 15),
    ('same_rgba', 8, 6, 4, 8, 6),
]
MODES = {1: 'L', 3: 'RGB', 4: 'RGBA'}


def pixels(name, shape):
    """Noise, with runs of 0 and of 255 so that rounding at both ends is met."""
    fan = int(np.prod(shape[1:]))
    unit = integer_fill(name, shape).astype(np.float64) / np.sqrt(3 / fan)  # -1 to 1
    return np.clip(np.round(128 + 160 * unit), 0, 255).astype(np.uint8)


def resizes():
    arrays = {}
    for name, width, height, channels, new_width, new_height in RESIZES:
        # The noise depends on the name: the two gray cases keep the noise of the spelling they were first made with.
        source = pixels(name.replace('gray', 'grey'), (height, width, channels))  # cspell:disable-line
        image = Image.fromarray(source[..., 0] if channels == 1 else source, MODES[channels])
        resized = np.asarray(image.resize((new_width, new_height), Image.BILINEAR))
        arrays[f'{name}.source'] = source
        arrays[f'{name}.resized'] = resized.reshape(new_height, new_width, channels)
    write_safetensors(FIXTURES / 'resize.safetensors', arrays, {'pillow': PIL.__version__})


# name, shape, sigma, truncate
BLURS = [
    ('usual', (2, 24, 20), 2.0, 4.0),
    ('odd', (1, 17, 31), 1.3, 3.0),
    ('radius_over_side', (1, 5, 7), 4.0, 4.0),
    ('radius_over_many_sides', (1, 2, 3), 4.0, 4.0),
    ('one_pixel_wide', (1, 9, 1), 2.0, 4.0),
    ('small_sigma', (1, 6, 6), 0.2, 4.0),
    ('no_radius', (1, 4, 4), 0.1, 4.0),
]


def blurs():
    arrays = {}
    for name, shape, sigma, truncate in BLURS:
        maps = integer_fill(name, shape)
        blurred = [gaussian_filter(m, sigma, mode='reflect', truncate=truncate) for m in maps]
        arrays[f'{name}.blurred'] = np.stack(blurred)
        arrays[f'{name}.sigma'] = np.array([sigma, truncate])
    write_safetensors(FIXTURES / 'gaussian-blur.safetensors', arrays, {'scipy': scipy.__version__})


# name, shape, size
INTERPOLATIONS = [
    ('double', (2, 7, 5), (14, 10)),
    ('network', (1, 16, 16), (64, 64)),
    ('odd', (1, 5, 9), (13, 22)),
    ('shrink', (1, 17, 23), (6, 5)),
    ('mixed', (1, 4, 12), (11, 5)),
    ('same', (1, 6, 4), (6, 4)),
    ('from_one', (1, 1, 1), (4, 3)),
    ('to_one', (1, 5, 4), (1, 1)),
    ('long', (1, 1, 64), (1, 251)),
]


def interpolations():
    arrays = {}
    for name, shape, size in INTERPOLATIONS:
        maps = torch.from_numpy(integer_fill(name, shape))[:, None]
        for align in (True, False):
            result = F.interpolate(maps, size=size, mode='bilinear', align_corners=align)
            arrays[f'{name}.{"corners" if align else "areas"}'] = result[:, 0].numpy()
        arrays[f'{name}.shape'] = np.array(shape, np.float64)
    write_safetensors(FIXTURES / 'upsample-bilinear.safetensors', arrays, {'torch': torch.__version__})


resizes()
blurs()
interpolations()
