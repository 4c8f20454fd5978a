"""Golden values of @dskd/metrics: scipy's Mann-Whitney U and Student's t, and the textbook formulas in numpy.

Run from the repository root: /usr/bin/python3 tools/golden/metrics.py
"""
import numpy as np
import scipy
from scipy.stats import mannwhitneyu, sem, t

from integer_fill import integer_fill
from safetensors_writer import write_safetensors


def precision_recall(scores, labels):
    """Precision and recall when flagging score >= t, for every distinct t, descending (as scikit-learn)."""
    thresholds = np.unique(scores)[::-1]
    flagged = scores[None, :] >= thresholds[:, None]
    true_positives = (flagged & (labels == 1)).sum(1)
    return true_positives / flagged.sum(1), true_positives / (labels == 1).sum(), thresholds


def case(name, count, shift, decimals):
    noise = integer_fill(f'metrics.{name}', [count, 3]).astype(np.float64).sum(1)
    labels = (integer_fill(f'metrics.{name}.labels', [count, 1])[:, 0] > 0.4).astype(np.float64)
    scores = noise + shift * labels
    if decimals is not None:
        scores = np.round(scores, decimals)
    positives, negatives = scores[labels == 1], scores[labels == 0]
    u = mannwhitneyu(positives, negatives).statistic
    precision, recall, _ = precision_recall(scores, labels)
    steps = np.diff(np.concatenate([[0], recall]))
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-300)
    values = [u / (len(positives) * len(negatives)), (steps * precision).sum(), f1.max()]
    return {f'{name}.scores': scores, f'{name}.labels': labels, f'{name}.values': np.array(values)}


def student():
    """Two-sided quantiles, and intervals for the mean of a few runs.

    scipy 1.10's t.ppf is right to 9 digits (its t.ppf(0.975, 1) against tan(0.475 pi)), its t.sf to 14 or more:
    Newton's steps on that make the quantiles as good.
    """
    def quantile(n, share):
        x = t.ppf((1 + share) / 2, n)
        for _ in range(3):
            x += (t.sf(x, n) - (1 - share) / 2) / t.pdf(x, n)
        return x

    table = [(n, share) for n in (1, 2, 3, 4, 5, 9, 10, 30, 101, 1000) for share in (0.5, 0.8, 0.95, 0.99, 0.9999)]
    quantiles = [quantile(n, share) for n, share in table]
    out = {'student.table': np.array(table, np.float64), 'student.quantiles': np.array(quantiles)}
    for count in (2, 3, 5, 8):
        runs = integer_fill(f'metrics.runs.{count}', [count, 1])[:, 0].astype(np.float64)
        reach = quantile(count - 1, 0.95) * sem(runs)
        out[f'runs.{count}'] = runs
        out[f'runs.{count}.wanted'] = np.array([runs.mean(), runs.std(ddof=1), runs.mean() - reach, runs.mean() + reach])
    return out


arrays = {
    **student(),
    **case('distinct', 200, 0.8, None),
    **case('ties', 150, 0.5, 1),
    **case('many-ties', 80, 1.0, 0),
    **case('inverted', 60, -1.5, None),
}
write_safetensors(
    'packages/metrics/test/fixtures/metrics.safetensors',
    arrays,
    {'generator': 'tools/golden/metrics.py', 'numpy': np.__version__, 'scipy': scipy.__version__},
)
