"""The loop of the peers that bench/ratios.mjs asks: a line of JSON for each line, with wall and CPU seconds of the answer."""
import json
import resource
import sys
import time

import torch


def megabytes():
    """Peak resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def answer(questions, threads):
    """`questions` by their name: each takes the rest of the question, and returns what is told about the answer."""
    torch.set_num_threads(threads)
    print(json.dumps({'torch': torch.__version__, 'threads': torch.get_num_threads()}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        work = questions[asked.pop('ask')]
        wall, cpu = time.perf_counter(), time.process_time()
        told = work(**asked) or {}
        print(json.dumps({'seconds': time.perf_counter() - wall, 'cpuSeconds': time.process_time() - cpu, **told}), flush=True)
