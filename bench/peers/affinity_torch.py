"""Contextual affinity by its plain formula in PyTorch, loss and gradient: a peer of bench/ratios/affinity.mjs.

/usr/bin/python3 bench/peers/affinity_torch.py THREADS
"""
import sys

import torch

from answers import answer, megabytes
from dskd_torch import contextual_affinity


def features(side, channels):
    torch.manual_seed(1)
    teacher = torch.randn(1, channels, side, side)
    return teacher, (teacher + 0.1 * torch.randn_like(teacher)).requires_grad_()


given = {}


def prepare(side, channels):
    given['features'] = features(side, channels)
    return {'megabytes': megabytes()}


def step():
    teacher, student = given['features']
    student.grad = None
    loss = contextual_affinity([teacher], [student])
    loss.backward()
    return {'loss': loss.item(), 'megabytes': megabytes()}


answer({'prepare': prepare, 'step': step}, int(sys.argv[1]))
