"""AU-sPRO by its definition, threshold by threshold, in NumPy: a peer of bench/ratios/spro.mjs.

As MVTec's public evaluation does it: false-positive rate and mean sPRO at a few thresholds, then at one between each two that are
farther apart than 0.001 of either, until none are; the area under the polyline up to a limit. For each threshold every map is
compared with it, and the pixels found are counted in the background and in each region. Maps stay in memory.

/usr/bin/python3 bench/peers/spro_thresholds.py: a line of JSON for each line of standard input:
  {"folder": DIR, "images": [{"file": NAME, "width": W, "height": H, "regions": [{"file": NAME, "saturation": S}]}], "limits": [...]}
"""
import json
import os
import sys
import time

import numpy as np

FINEST = 0.001


def load(folder, images):
    loaded = []
    for image in images:
        read = lambda name, dtype: np.fromfile(os.path.join(folder, name), dtype).reshape(image['height'], image['width'])
        regions = [(read(region['file'], np.uint8) > 0, region['saturation']) for region in image['regions']]
        background = ~np.any([mask for mask, _ in regions], axis=0) if regions else np.ones((image['height'], image['width']), bool)
        loaded.append((read(image['file'], np.float32), background, regions))
    return loaded


def at(threshold, images):
    """False-positive rate and mean sPRO of the scores above a threshold."""
    false, pixels, overlaps = 0, 0, []
    for scores, background, regions in images:
        found = scores > threshold
        false += np.count_nonzero(found & background)
        pixels += np.count_nonzero(background)
        for mask, saturation in regions:
            overlaps.append(min(np.count_nonzero(found & mask) / min(saturation, np.count_nonzero(mask)), 1))
    return false / pixels, np.mean(overlaps)


def curve(images):
    lowest = min(float(scores.min()) for scores, _, _ in images)
    highest = max(float(scores.max()) for scores, _, _ in images)
    # Below all scores everything is found, at the highest nothing.
    points = {threshold: at(threshold, images) for threshold in (np.nextafter(np.float32(lowest), -np.inf), highest)}
    todo = [tuple(points)]
    while todo:
        low, high = todo.pop()
        middle = np.float32((np.float64(low) + high) / 2)
        if max(abs(a - b) for a, b in zip(points[low], points[high])) <= FINEST or middle in (low, high):
            continue
        points[middle] = at(middle, images)
        todo += [(low, middle), (middle, high)]
    rate, overlap = zip(*(points[threshold] for threshold in sorted(points, reverse=True)))
    return np.array(rate), np.array(overlap)


def area(rate, overlap, limit):
    inside = rate < limit
    last = np.interp(limit, rate, overlap) if limit < 1 else 1.0
    return np.trapz(np.append(overlap[inside], last), np.append(rate[inside], limit)) / limit


print(json.dumps({'numpy': np.__version__}), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    images = load(asked['folder'], asked['images'])
    wall, cpu = time.perf_counter(), time.process_time()
    rate, overlap = curve(images)
    areas = [area(rate, overlap, limit) for limit in asked['limits']]
    print(json.dumps({'seconds': time.perf_counter() - wall, 'cpuSeconds': time.process_time() - cpu, 'areas': areas,
                      'thresholds': len(rate)}), flush=True)
