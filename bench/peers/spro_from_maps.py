"""AU-sPRO of MVTec LOCO AD by its definition, every distinct score a threshold, from the files that
`dskd evaluate --write-maps` writes and the ground truth as it lies in the dataset; beside dskd's own numbers.

dskd evaluate MODEL --data DATA --category NAME --write-maps MAPS --out RESULT.json
python3 bench/peers/spro_from_maps.py MAPS DATA NAME RESULT.json

Needs numpy and Pillow. Holds all pixels in memory: for small datasets.
"""
import glob
import json
import os
import sys

import numpy as np
from PIL import Image


def read(path):
    return np.asarray(Image.open(path))


def regions_of(truth, kinds):
    for file in sorted(glob.glob(os.path.join(truth, '*.png'))):
        mask = read(file)
        kind = kinds[int(mask[mask > 0][0])]
        area = int((mask > 0).sum())
        threshold = kind['saturation_threshold']
        yield mask > 0, int(threshold * area) if kind['relative_saturation'] else min(threshold, area)


def curve(maps, category, subset, kinds):
    background, regions = [], []
    for folder in ('good', subset):
        for file in sorted(glob.glob(os.path.join(maps, 'test', folder, '*.tiff'))):
            scores = read(file)
            assert scores.dtype == np.float32
            defects = np.zeros(scores.shape, bool)
            if folder != 'good':
                name = os.path.splitext(os.path.basename(file))[0]
                for mask, saturation in regions_of(os.path.join(category, 'ground_truth', folder, name), kinds):
                    regions.append((np.sort(scores[mask]), saturation))
                    defects |= mask
            background.append(scores[~defects])
    background = np.sort(np.concatenate(background))
    thresholds = np.unique(np.concatenate([background, *(scores for scores, _ in regions)]))[::-1]
    above = lambda scores: len(scores) - np.searchsorted(scores, thresholds, side='right')
    rate = above(background) / len(background)
    overlap = np.mean([np.minimum(above(scores) / saturation, 1) for scores, saturation in regions], axis=0)
    return np.append(rate, 1.0), np.append(overlap, 1.0)


def area(rate, overlap, limit):
    inside = rate < limit
    last = np.interp(limit, rate, overlap) if limit < 1 else 1.0
    return np.trapz(np.append(overlap[inside], last), np.append(rate[inside], limit)) / limit


def main():
    maps, data, name, result_file = sys.argv[1:5]
    category = os.path.join(data, name)
    with open(os.path.join(category, 'defects_config.json')) as file:
        kinds = {kind['pixel_value']: kind for kind in json.load(file)}
    with open(result_file) as file:
        result = json.load(file)
    for subset, limits in result['fused']['auSpro'].items():
        rate, overlap = curve(os.path.join(maps, name), category, subset, kinds)
        for entry in limits:
            here = area(rate, overlap, entry['limit'])
            print(f"{subset} {entry['limit']}: dskd {entry['value']:.12f}, numpy {here:.12f}, "
                  f"difference {abs(here - entry['value']):.1e}")


if __name__ == '__main__':
    main()
