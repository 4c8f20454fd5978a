"""Golden values of @dskd/scoring: Eq. 8 from level maps to image scores, with torch and scipy in float64; Beta
distributions with scipy.

Run from the repository root: /usr/bin/python3 tools/golden/scoring.py
"""
import numpy as np
import scipy
import torch
from scipy.ndimage import gaussian_filter
from scipy.stats import beta

from integer_fill import integer_fill
from safetensors_writer import write_safetensors

torch.set_num_threads(1)
SIZE = (24, 20)
SIGMA = 1.5
LEVELS = [(12, 10), (6, 5), (3, 3)]
SCALES = {'local': (0.05, 0.2), 'global': (1e-4, 3e-4)}
WEIGHTS = {'local': 0.5, 'global': 2.0}


def level_maps(branch, split, batch):
    """Positive maps of the branch's own scale, the same float32 values as the test computes."""
    scale, offset = (np.float32(value) for value in SCALES[branch])
    return [
        (integer_fill(f'{branch}.{split}.{h}', [batch, h, w]) * scale + offset).astype(np.float32)
        for h, w in LEVELS
    ]


def fuse(maps, align_corners):
    total = 0
    for level in maps:
        tensor = torch.from_numpy(level.astype(np.float64))[:, None]
        total = total + torch.nn.functional.interpolate(
            tensor, size=SIZE, mode='bilinear', align_corners=align_corners
        )
    return total[:, 0].numpy()


arrays = {}
for mode, align_corners in (('aligned', True), ('half-pixel', False)):
    eq8, weighted = 0, 0
    for branch in SCALES:
        normals = fuse(level_maps(branch, 'normal', 3), align_corners)
        fused = fuse(level_maps(branch, 'test', 2), align_corners)
        mean, deviation = normals.mean(), normals.std()
        arrays[f'{mode}.{branch}.fused'] = fused
        arrays[f'{mode}.{branch}.constants'] = np.array([mean, deviation])
        eq8 = eq8 + (fused - mean) / deviation
        weighted = weighted + WEIGHTS[branch] * (fused - mean) / deviation
    for name, maps in (('eq8', eq8), ('weighted', weighted)):
        smoothed = np.stack([gaussian_filter(image, SIGMA, mode='reflect', truncate=4) for image in maps])
        arrays[f'{mode}.{name}'] = maps
        arrays[f'{mode}.{name}.smoothed'] = smoothed
        arrays[f'{mode}.{name}.scores'] = smoothed.max((1, 2))
# The chance that at most a share `rate` lies above the (exceeding + 1)-th largest of n scores, by scipy's Beta.
promises = np.array(
    [
        (n, exceeding, rate)
        for n in (1, 5, 39, 99, 299, 1000, 20000)
        for exceeding in (0, 1, 4, 50)
        for rate in (0.001, 0.01, 0.05, 0.3)
        if exceeding < n
    ],
    np.float64,
)
n, exceeding, rate = promises.T
arrays['promises'] = promises
arrays['promises.confidence'] = beta.cdf(rate, exceeding + 1, n - exceeding)
arrays['promises.bound'] = beta.ppf(0.95, exceeding + 1, n - exceeding)
write_safetensors(
    'packages/scoring/test/fixtures/scoring.safetensors',
    arrays,
    {
        'generator': 'tools/golden/scoring.py',
        'numpy': np.__version__,
        'scipy': scipy.__version__,
        'torch': torch.__version__,
    },
)
