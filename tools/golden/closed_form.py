"""Golden values of @dskd/closed-form: Gaussians, principal components and nearest neighbors with scikit-learn, numpy
and scipy in float64. The float32 inputs are in the file.

Run from the repository root: /usr/bin/python3 tools/golden/closed_form.py
"""
import numpy as np
import scipy
import sklearn
from scipy.linalg import cholesky, solve_triangular
from sklearn.covariance import EmpiricalCovariance, LedoitWolf
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from integer_fill import integer_fill
from safetensors_writer import write_safetensors


def mixed_rows(name, count, width, falling, offset):
    """Rows whose variance falls by the factor `falling` from one direction to the next, around a mean of about `offset`."""
    latent = integer_fill(f'{name}.latent', [count, width]).astype(np.float64) * falling ** np.arange(width)
    mixing = integer_fill(f'{name}.mixing', [width, width]).astype(np.float64)
    return (latent @ mixing + offset * integer_fill(f'{name}.offset', [width, 1])[:, 0]).astype(np.float32)


def positive(vectors):
    """Turns each row so that its entry of largest magnitude is positive."""
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(1)[:, None], 1)
    return vectors * np.sign(largest)


arrays = {}
for name, count, width in (('tall', 40, 6), ('wide', 12, 30)):
    rows = mixed_rows(name, count, width, 0.9, 20)
    exact = rows.astype(np.float64)
    empirical, shrunk = EmpiricalCovariance().fit(exact), LedoitWolf().fit(exact)
    queries = mixed_rows(f'{name}.queries', 10, width, 0.9, 20)
    factor = cholesky(shrunk.covariance_, lower=True)
    arrays |= {
        f'{name}.rows': rows,
        f'{name}.mean': empirical.location_,
        f'{name}.empirical': empirical.covariance_,
        f'{name}.ledoit-wolf': shrunk.covariance_,
        f'{name}.shrinkage': np.array([shrunk.shrinkage_]),
        f'{name}.cholesky': factor,
        f'{name}.whitening': solve_triangular(factor, np.eye(width), lower=True),
        f'{name}.queries': queries,
        f'{name}.mahalanobis': np.sqrt(shrunk.mahalanobis(queries.astype(np.float64))),
    }
for name, count, width, components in (('snapshots', 20, 300, 8), ('channels', 120, 12, 5)):
    rows = mixed_rows(name, count, width, 0.98 if count < width else 0.8, 5)
    pca = PCA(components, svd_solver='full').fit(rows.astype(np.float64))
    arrays |= {
        f'{name}.rows': rows,
        f'{name}.mean': pca.mean_,
        f'{name}.components': positive(pca.components_),
        f'{name}.variances': pca.explained_variance_,
    }
bank, queries = mixed_rows('bank', 50, 7, 0.8, 3), mixed_rows('bank.queries', 30, 7, 0.8, 3)
exact = bank.astype(np.float64)
distances, indices = NearestNeighbors(n_neighbors=1, algorithm='brute').fit(exact).kneighbors(queries.astype(np.float64))
neighbors = NearestNeighbors(n_neighbors=9, algorithm='brute').fit(exact).kneighbors(exact, return_distance=False)
arrays |= {
    'bank.rows': bank,
    'bank.queries': queries,
    'bank.distances': distances[:, 0],
    'bank.indices': indices[:, 0].astype(np.float64),
    'bank.neighbors': neighbors.astype(np.float64),
}
square = integer_fill('eigen', [40, 40]).astype(np.float64)
symmetric = square + square.T
values, vectors = np.linalg.eigh(symmetric)
arrays |= {'eigen.matrix': symmetric, 'eigen.values': values[::-1], 'eigen.vectors': positive(vectors.T[::-1])}
write_safetensors(
    'packages/closed-form/test/fixtures/closed-form.safetensors',
    arrays,
    {
        'generator': 'tools/golden/closed_form.py',
        'numpy': np.__version__,
        'scipy': scipy.__version__,
        'scikit-learn': sklearn.__version__,
    },
)
