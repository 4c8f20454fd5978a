"""Greedy k-center as PatchCore's implementations have it, in PyTorch: a peer of bench/ratios/coreset.mjs.

/usr/bin/python3 bench/peers/coreset_torch.py THREADS
"""
import sys

import numpy as np
import torch

from answers import answer


def select(points, count, first):
    """The point farthest from all selected ones, again and again; every distance by one product, as |x|^2 - 2 x c + |c|^2."""
    squares = (points * points).sum(1)
    nearest = torch.full((len(points),), float('inf'))
    center, chosen = first, []
    for _ in range(count):
        chosen.append(center)
        distances = squares - 2 * (points @ points[center]) + squares[center]
        nearest = torch.minimum(nearest, distances)
        center = int(nearest.argmax())
    return chosen, float(nearest.max())


def coreset(file, width, count, first):
    points = torch.from_numpy(np.fromfile(file, np.float32).reshape(-1, width))
    chosen, radius = select(points, count, first)
    return {'chosen': chosen, 'radius': radius}


if __name__ == '__main__':
    answer({'coreset': coreset}, int(sys.argv[1]))
