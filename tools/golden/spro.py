"""Golden values of @dskd/metrics: AU-sPRO and AU-PRO by their definition, threshold by threshold, in numpy.

Run from the repository root: /usr/bin/python3 tools/golden/spro.py
"""
import numpy as np
import scipy
from scipy.ndimage import label

from integer_fill import integer_fill
from safetensors_writer import write_safetensors

LIMITS = [0.01, 0.05, 0.1, 0.3, 1.0]
HEIGHT, WIDTH = 12, 15


def uniform(name, shape):
    """Uniform in [-1, 1) times the square root of 3."""
    return integer_fill(name, [int(np.prod(shape)), 1])[:, 0].reshape(shape).astype(np.float64)


def curve(maps, defect_masks, saturation_areas):
    """False-positive rate and mean sPRO for a threshold at every distinct score, and below all.

    maps: images. defect_masks: of each image its list of masks. saturation_areas: likewise.
    """
    thresholds = np.concatenate([np.unique(maps)[::-1], [-np.inf]])
    rates, overlaps = [], []
    for threshold in thresholds:
        false_positives, background, spro = 0, 0, []
        for scores, masks, areas in zip(maps, defect_masks, saturation_areas):
            positive = scores > threshold
            free = np.ones_like(positive)
            for mask, area in zip(masks, areas):
                free &= ~mask
                spro.append(min((positive & mask).sum() / area, 1))
            false_positives += (positive & free).sum()
            background += free.sum()
        rates.append(false_positives / background)
        overlaps.append(np.mean(spro))
    return np.array(rates), np.array(overlaps)


def area_up_to(rates, overlaps, limit):
    """By trapezoids from 0 to the limit, interpolated there, over the limit."""
    inside = rates <= limit
    x, y = rates[inside], overlaps[inside]
    if inside.sum() < len(rates):
        x0, x1 = x[-1], rates[inside.sum()]
        y0, y1 = y[-1], overlaps[inside.sum()]
        x, y = np.append(x, limit), np.append(y, y0 + (y1 - y0) * (limit - x0) / (x1 - x0))
    return np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2) / limit


def case(name, images, decimals, offset):
    """Images of which a third is good, a third logical and a third structural; overlapping defects, ties."""
    maps = uniform(f'spro.{name}.maps', [images, HEIGHT, WIDTH])
    masks = np.zeros([images, 3, HEIGHT, WIDTH], bool)
    saturation = np.zeros([images, 3], np.int32)
    draws = uniform(f'spro.{name}.defects', [images, 3, 6]) / (2 * np.sqrt(3)) + 0.5
    for image in range(images):
        for defect in range(0 if image % 3 == 0 else 1 + image % 3):
            top, left, tall, wide, share, relative = draws[image, defect]
            y, x = int(top * (HEIGHT - 1)), int(left * (WIDTH - 1))
            masks[image, defect, y : y + 1 + int(6 * tall), x : x + 1 + int(8 * wide)] = True
            area = masks[image, defect].sum()
            # Relative thresholds are truncated, absolute ones are no more than the area.
            saturation[image, defect] = max(1, int(share * area)) if relative < 0.5 else min(1 + int(40 * share), area)
        maps[image] += 1.2 * masks[image].any(0)
    maps = (np.round(maps, decimals) + offset).astype(np.float32)

    used = [[masks[i, j] for j in range(3) if saturation[i, j] > 0] for i in range(images)]
    areas = [[int(a) for a in saturation[i] if a > 0] for i in range(images)]
    arrays = {
        f'{name}.maps': maps,
        f'{name}.masks': masks.astype(np.uint8),
        f'{name}.saturation': saturation,
    }
    for subset, remainder in [('logical', 1), ('structural', 2)]:
        chosen = [i for i in range(images) if i % 3 in (0, remainder)]
        points = curve(maps[chosen], [used[i] for i in chosen], [areas[i] for i in chosen])
        arrays[f'{name}.{subset}'] = np.array([area_up_to(*points, limit) for limit in LIMITS])

    components, whole = [], []
    for union in masks.any(1):
        labels, count = label(union, np.ones([3, 3]))
        components.append([labels == i + 1 for i in range(count)])
        whole.append([int(component.sum()) for component in components[-1]])
    points = curve(maps, components, whole)
    arrays[f'{name}.pro'] = np.array([area_up_to(*points, limit) for limit in LIMITS])
    return arrays


write_safetensors(
    'packages/metrics/test/fixtures/spro.safetensors',
    {
        **case('distinct', 9, 6, 0),
        **case('ties', 9, 1, 0),
        **case('far-from-zero', 6, 2, 1000),
        **case('negative', 6, 3, -50),
    },
    {'generator': 'tools/golden/spro.py', 'numpy': np.__version__, 'scipy': scipy.__version__},
)
