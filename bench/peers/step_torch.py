"""Training steps of both lite students in PyTorch, from features of the teacher: a peer of bench/ratios/step.mjs.

/usr/bin/python3 bench/peers/step_torch.py THREADS
"""
import sys
import types

import torch

from answers import answer
from dskd_torch import Branch

given = {}


def prepare(levels, size, batch):
    """Levels: name, channels and stride. Features are random, none of them negative."""
    torch.manual_seed(1)
    teacher = types.SimpleNamespace(levels=[level['name'] for level in levels], strides=[level['stride'] for level in levels])
    shapes = [(level['channels'], size // level['stride'], size // level['stride']) for level in levels]
    given['features'] = [torch.relu(torch.randn(batch, *shape)) for shape in shapes]
    given['branches'] = [
        Branch('local', 'flattenedCosine', 0.005, teacher, shapes),
        Branch('global', 'contextualAffinity', 0.001, teacher, shapes),
    ]


def step(count):
    for _ in range(count):
        for branch in given['branches']:
            branch.step(given['features'])


answer({'prepare': prepare, 'step': step}, int(sys.argv[1]))
