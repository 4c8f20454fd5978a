"""Makes every golden value again and compares with the fixtures in the repository.

/usr/bin/python3 tools/golden/check.py: each generator of this folder runs as a process of its own and writes below
a temporary folder. Entries agree within 1e-6 of their tensor's largest (other versions of torch and other processors
round otherwise); bytes and whole numbers, shapes, names and metadata but for versions are equal.
"""
import concurrent.futures
import importlib.util
import os
import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
NEEDED = ['numpy', 'scipy', 'sklearn', 'PIL', 'torch', 'torchvision']
VERSIONS = {'numpy', 'scipy', 'scikit-learn', 'pillow', 'torch', 'torchvision'}
TOLERANCE = 1e-6


def differences(made, committed):
    """What is wrong with `made`, and how far its worst entry is off as a part of its tensor's largest."""
    import numpy as np
    from safetensors_reader import read_safetensors

    (got, got_metadata), (wanted, wanted_metadata) = read_safetensors(made), read_safetensors(committed)
    problems, worst = [], 0.0
    if any(got_metadata.get(key) != wanted_metadata.get(key) for key in {*got_metadata, *wanted_metadata} - VERSIONS):
        problems.append('its metadata differ')
    if got.keys() != wanted.keys():
        problems.append(f'its names differ: {sorted(got.keys() ^ wanted.keys())}')
    for name in got.keys() & wanted.keys():
        a, b = got[name], wanted[name]
        if a.shape != b.shape or a.dtype != b.dtype:
            problems.append(f'{name} is {a.dtype} {a.shape}, was {b.dtype} {b.shape}')
        elif b.dtype.kind != 'f':
            if not np.array_equal(a, b):
                problems.append(f'{name} differs in {np.count_nonzero(a != b)} of {b.size} entries')
        elif not np.array_equal(a, b):
            largest = np.abs(b).max()
            off = float(np.abs(a - b).max() / largest) if largest > 0 else float('inf')
            worst = max(worst, off)
            if not off <= TOLERANCE:
                problems.append(f'{name} is {off:.1e} of its largest entry off')
    return problems, worst


def generate(generator, target):
    begun = time.perf_counter()
    environment = {**os.environ, 'DSKD_GOLDEN_TARGET': str(target), 'OMP_NUM_THREADS': '1', 'OPENBLAS_NUM_THREADS': '1'}
    done = subprocess.run(
        [sys.executable, generator], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return done.returncode, done.stdout, time.perf_counter() - begun


def main():
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        print(f'SKIPPED golden values: this Python has no {", ".join(missing)} (Debian: python3-torchvision python3-sklearn)')
        return 0
    # Who writes safetensors is a generator.
    generators = sorted(path for path in HERE.glob('*.py') if '\nfrom safetensors_writer' in path.read_text())
    failed = 0
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(2) as pool:
        target = pathlib.Path(folder)
        runs = {path.name: pool.submit(generate, path, target) for path in generators}
        for name, run in runs.items():
            code, output, seconds = run.result()
            print(f'{name}: {seconds:.1f} s' if code == 0 else f'FAILED {name}:\n{output}')
            failed += code != 0
        for made in sorted(target.rglob('*.safetensors')):
            committed = ROOT / made.relative_to(target)
            problems, worst = (['is not committed'], 0) if not committed.exists() else differences(made, committed)
            failed += bool(problems)
            for problem in problems:
                print(f'FAILED {made.relative_to(target)}: {problem}')
            if not problems:
                print(f'{made.relative_to(target)}: {"the same" if worst == 0 else f"within {worst:.0e}"}')
    print(f'golden values: {failed} failed')
    return min(failed, 1)


if __name__ == '__main__':
    sys.exit(main())
