"""Rows for bench/learn.mjs, and scikit-learn's solvers on them: the first tolerance at which each reaches the objective."""
import sys
import time
import warnings

import numpy as np
import scipy.sparse as sparse

folder, what, *arguments = sys.argv[1:]


def make(rows):
    """200 columns, 20 set in a row: ten groups of one-hot columns, ten of counts and amounts as logs of them."""
    rng = np.random.default_rng(1)
    groups = 20
    picks = rng.integers(0, 10, (rows, groups), dtype=np.int32)
    indices = picks + 10 * np.arange(groups, dtype=np.int32)
    values = np.ones((rows, groups), np.float32)
    scale = np.logspace(-0.7, 0.7, 10, dtype=np.float32)
    values[:, 10:] = np.log1p(rng.exponential(3, (rows, 10))).astype(np.float32) * scale
    beta = rng.standard_normal(200).astype(np.float32) * 0.5
    beta[100:] /= np.repeat(scale, 10)
    z = (values * beta[indices]).sum(1) - 3
    y = (rng.random(rows) < 1 / (1 + np.exp(-z))).astype(np.float32)
    (np.arange(rows + 1, dtype=np.int64) * groups).tofile(f"{folder}/indptr.i64")
    indices.tofile(f"{folder}/indices.i32")
    values.tofile(f"{folder}/values.f32")
    y.tofile(f"{folder}/y.f32")


def fit(solver, wanted):
    from sklearn.linear_model import LogisticRegression

    warnings.filterwarnings("ignore")
    indptr = np.fromfile(f"{folder}/indptr.i64", np.int64).astype(np.int32)
    indices = np.fromfile(f"{folder}/indices.i32", np.int32)
    values = np.fromfile(f"{folder}/values.f32", np.float32)
    y = np.fromfile(f"{folder}/y.f32", np.float32)
    x = sparse.csr_matrix((values.astype(np.float64), indices, indptr), shape=(len(y), 200))
    for tol in (1e-4, 1e-5, 1e-6):
        start = time.perf_counter()
        model = LogisticRegression(solver=solver, C=1, max_iter=2000, tol=tol).fit(x, y)
        seconds = time.perf_counter() - start
        z = x @ model.coef_[0] + model.intercept_[0]
        objective = np.logaddexp(0, z).sum() - (y * z).sum() + 0.5 * (model.coef_**2).sum()
        excess = objective / wanted - 1
        print(f"scikit-learn {solver} tol {tol:g}: {seconds:.2f} s, objective {objective:.3f} ({excess:+.1e} of it)", flush=True)
        if excess <= 1e-7:
            break


if what == "make":
    make(int(float(arguments[0])))
else:
    fit(arguments[0], float(arguments[1]))
