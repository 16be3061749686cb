"""EASE by scipy: ease.py MATRIX THREADS [WEIGHTS]. Prints a line of JSON: seconds of the parts, and how far the float32 weights in
the file WEIGHTS are from those found here, as a share of the largest."""
import json
import os
import sys
import time

os.environ["OPENBLAS_NUM_THREADS"] = sys.argv[2]
import numpy as np  # noqa: E402
from matrix_file import read_matrix  # noqa: E402
from scipy.linalg import lapack  # noqa: E402

matrix = read_matrix(sys.argv[1]).astype(np.float64)
begun = time.perf_counter()
square = (matrix.T @ matrix).toarray(order="F")
square[np.diag_indices_from(square)] += 250
multiplied = time.perf_counter()
factor, _ = lapack.dpotrf(square, lower=1, overwrite_a=1)
lapack.dpotri(factor, lower=1, overwrite_c=1)
inverted = time.perf_counter()
inverse = np.tril(factor)
inverse += np.tril(inverse, -1).T
weights = (inverse / -np.diag(inverse)).astype(np.float32)
np.fill_diagonal(weights, 0)
ended = time.perf_counter()
result = {"parts": [multiplied - begun, inverted - multiplied, ended - inverted]}
if len(sys.argv) > 3:
    ours = np.fromfile(sys.argv[3], np.float32).reshape(weights.shape)
    result["difference"] = float(np.abs(ours - weights).max() / np.abs(weights).max())
print(json.dumps(result))
