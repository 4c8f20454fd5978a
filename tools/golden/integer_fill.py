"""Weights from one integer formula; the same bits as packages/test-support/src/golden.ts."""
import numpy as np


def integer_fill(name: str, shape) -> np.ndarray:
    hash_ = 0x811C9DC5
    for byte in name.encode():
        hash_ = ((hash_ ^ byte) * 0x01000193) & 0xFFFFFFFF
    shape = tuple(int(side) for side in shape)
    length = int(np.prod(shape, dtype=np.int64)) if shape else 1
    mask = np.uint64(0xFFFFFFFF)
    x = (np.arange(length, dtype=np.uint64) * np.uint64(0x9E3779B1) + np.uint64(hash_)) & mask
    x = ((x ^ (x >> np.uint64(16))) * np.uint64(0x85EBCA77)) & mask
    x ^= x >> np.uint64(13)
    u = (x >> np.uint64(8)).astype(np.float64) / 0x1000000
    fan = max(1, int(np.prod(shape[1:], dtype=np.int64)) if len(shape) > 1 else 1)
    if name.endswith('running_var') or (len(shape) == 1 and name.endswith('weight')):
        values = 0.5 + u
    elif name.endswith('running_mean') or (len(shape) == 1 and name.endswith('bias')):
        values = (u - 0.5) / 5
    else:
        values = (2 * u - 1) * np.sqrt(3 / fan)
    return values.astype(np.float32).reshape(shape)


def fill_module(module, prefix: str = ''):
    """Fills every parameter and buffer of a torch module in place by its state-dict name."""
    import torch

    for name, tensor in module.state_dict().items():
        if not name.endswith('num_batches_tracked'):
            tensor.copy_(torch.from_numpy(integer_fill(prefix + name, tensor.shape)))
    return module
