"""randomStream of @dskd/base (packages/base/src/random.ts): the same images are held out and the same
batches trained on, on both sides."""

M = 0xFFFFFFFF


def _mix(h):
    h = ((h ^ (h >> 16)) * 0x85EBCA6B) & M
    h = ((h ^ (h >> 13)) * 0xC2B2AE35) & M
    return h ^ (h >> 16)


def _hash_key(state, key):
    text = f's{key}' if isinstance(key, str) else f'n{key}'
    for char in text:
        state = ((state ^ ord(char)) * 0x01000193) & M
    return _mix(state ^ len(text))


class RandomStream:
    def __init__(self, *keys):
        h = 0x811C9DC5
        for key in keys:
            h = _hash_key(h, key)
        state = []
        for _ in range(4):
            h = (h + 0x9E3779B9) & M
            state.append(_mix(h))
        self.state = [*state[:3], state[3] | 1]

    def _next(self):
        a, b, c, d = self.state
        product = (b * 5) & M
        result = (((product << 7) | (product >> 25)) * 9) & M
        t = (b << 9) & M
        c ^= a
        d ^= b
        b ^= c
        a ^= d
        c ^= t
        self.state = [a, b, c, ((d << 11) | (d >> 21)) & M]
        return result

    def uniform(self):
        high = self._next() >> 5
        return (high * 0x4000000 + (self._next() >> 6)) / 0x20000000000000

    def integer(self, bound):
        limit = 0x100000000 - 0x100000000 % bound
        value = self._next()
        while value >= limit:
            value = self._next()
        return value % bound

    def shuffle(self, items):
        for i in range(len(items) - 1, 0, -1):
            j = self.integer(i + 1)
            items[i], items[j] = items[j], items[i]
        return items


def hold_out(names, fraction, seed):
    """`holdOut` of @dskd/data: (kept, held out), each in the order of `names`."""
    count = min(len(names) - 1, max(1, int(len(names) * fraction + 0.5)))
    drawn = sorted(names, key=lambda name: (RandomStream(seed, 'hold-out', name).uniform(), name))
    chosen = set(drawn[:count])
    return [n for n in names if n not in chosen], [n for n in names if n in chosen]


def batches_of_epoch(images, batch_size, seed, epoch):
    """`batchesOfEpoch` of @dskd/training: the rest is a smaller batch; a single left over joins the last."""
    order = RandomStream(seed, 'shuffle', epoch).shuffle(list(range(images)))
    batches = [order[start : start + batch_size] for start in range(0, images, batch_size)]
    if len(batches) > 1 and len(batches[-1]) == 1:
        batches[-2:] = [batches[-2] + batches[-1]]
    return batches
