#!/usr/bin/env python3
"""Writes tests/golden/analysis/*.safetensors: scikit-learn's PCA, k-means and silhouette.

  tools/make_analysis_goldens.py            write every case, print what it holds
  tools/make_analysis_goldens.py --check    make them again, compare with the files here

Takes python3-sklearn; the tests take only what this wrote. Data comes from numpy's RandomState, whose
stream is frozen. What is in the files: tests/golden/README.md.
"""
import argparse
import pathlib
import sys

import numpy as np
import scipy.sparse
import sklearn
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import silhouette_score

from safetensors_io import load_file, save_file

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden" / "analysis"


def ratings(seed, n_rows, n_columns, filled):
    """Half stars round a taste of two dimensions; an empty row, an empty and a full column."""
    random = np.random.RandomState(seed)
    shape = (n_rows, n_columns)
    taste = random.standard_normal((n_rows, 2)) @ random.standard_normal((2, n_columns))
    x = np.clip(np.round(2 * (3 + taste + 0.3 * random.standard_normal(shape))) / 2, 0.5, 5)
    full = x[:, 3].copy()
    x[random.random_sample(shape) >= filled] = 0
    x[:, 3] = full
    x[4] = 0
    x[:, 8] = 0
    return x.astype(np.float32)


def codes(seed, n_rows, n_columns):
    random = np.random.RandomState(seed)
    scales = np.linspace(3, 0.1, n_columns)
    return (random.standard_normal((n_rows, n_columns)) * scales + 5).astype(np.float32)


def blobs(seed, n_blobs, n_rows, n_columns, spread):
    random = np.random.RandomState(seed)
    centres = random.uniform(-10, 10, (n_blobs, n_columns))
    return centres[np.arange(n_rows) % n_blobs] + spread * random.standard_normal(
        (n_rows, n_columns))


def pca_case(x, n_components):
    pca = PCA(n_components, svd_solver="full").fit(x.astype(np.float64))
    scores = pca.transform(x.astype(np.float64))
    # The signs of scikit-learn 1.2; later versions decide by the components.
    furthest = scores[np.abs(scores).argmax(0), np.arange(n_components)]
    signs = np.sign(furthest)
    assert (np.abs(np.sort(signs * scores, 0)[0] / furthest) < 0.999).all(), "a sign is a toss-up"
    return {
        "mean": pca.mean_,
        "components": pca.components_ * signs[:, None],
        "scores": scores * signs,
        "explained_variance": pca.explained_variance_,
        "explained_variance_ratio": pca.explained_variance_ratio_,
    }


def sparse_case(seed, n_rows, n_columns, filled, n_components):
    x = ratings(seed, n_rows, n_columns, filled)
    csr = scipy.sparse.csr_matrix(x)
    return {
        "ratings.row_offsets": csr.indptr.astype(np.int64),
        "ratings.columns": csr.indices.astype(np.int32),
        "ratings.values": csr.data,
        "ratings.n_columns": np.array([n_columns]),
        **pca_case(x, n_components),
    }


def dense_case(seed, n_rows, n_columns, n_components):
    x = codes(seed, n_rows, n_columns)
    return {"codes": x, **pca_case(x, n_components)}


def kmeans_case(x, initial_centres):
    fitted = KMeans(len(initial_centres), init=initial_centres, n_init=1, algorithm="lloyd").fit(x)
    assert fitted.n_iter_ > 2
    return {
        "points": x,
        "initial_centres": initial_centres,
        "labels": fitted.labels_.astype(np.int32),
        "centres": fitted.cluster_centers_,
        "inertia": np.array([fitted.inertia_]),
        "silhouette": np.array([silhouette_score(x, fitted.labels_)]),
    }


def starts_case(x, n_clusters):
    fitted = KMeans(n_clusters, n_init=10, random_state=0, algorithm="lloyd").fit(x)
    return {
        "points": x,
        "n_clusters": np.array([n_clusters]),
        "inertia": np.array([fitted.inertia_]),
    }


def cases():
    overlapping = blobs(3, 5, 150, 3, 5.0)
    astray = overlapping[:5].copy()
    astray[2] = 1000  # no row is near: it is emptied at once, and starts anew
    return {
        "pca_sparse_tall": sparse_case(0, 90, 35, 0.3, 4),
        "pca_sparse_wide": sparse_case(1, 40, 120, 0.2, 5),
        "pca_dense": dense_case(2, 80, 12, 6),
        "kmeans": kmeans_case(overlapping, overlapping[:5].copy()),
        "kmeans_empty": kmeans_case(overlapping, astray),
        "kmeans_starts": starts_case(blobs(4, 9, 180, 2, 0.5), 9),
    }


def differences(made, kept):
    """The greatest difference of a tensor from the file's, relative to the tensor's greatest."""
    assert made.keys() == kept.keys(), f"{sorted(made)} is not {sorted(kept)}"
    return max(np.abs(made[name] - kept[name]).max() / max(1, np.abs(kept[name]).max())
               for name in made)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    FOLDER.mkdir(exist_ok=True)
    failed = False
    for name, tensors in cases().items():
        path = FOLDER / f"{name}.safetensors"
        if check:
            off = differences(tensors, load_file(path))
            failed |= not off <= 1e-9
            print(f"{name}: off by {off:.1e}")
        else:
            save_file(tensors, path, {"sklearn_version": sklearn.__version__})
            shown = {k: np.round(tensors[k], 4).tolist()
                     for k in ("explained_variance_ratio", "inertia", "silhouette") if k in tensors}
            print(f"{name}: {path.stat().st_size} bytes, {shown}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
