"""ALS by implicit: als.py MATRIX THREADS ROUNDS RANKING. Prints a line of JSON.

64 factors, regularisation 0.01, confidence 1 + r, the loss over all cells; then, if RANKING is 1, the top 20 of all users.
"""
import json
import os
import sys
import time

PATH, THREADS, ROUNDS, RANKING = sys.argv[1], *map(int, sys.argv[2:5])
# implicit parallelises by itself and wants BLAS to keep to one thread.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
import numpy as np  # noqa: E402
from implicit.cpu.als import AlternatingLeastSquares  # noqa: E402
from matrix_file import read_matrix  # noqa: E402


def loss_of(matrix, users, items):
    x, y = users.astype(np.float64), items.astype(np.float64)
    gram_x, gram_y = x.T @ x, y.T @ y
    loss = (gram_x * gram_y).sum() + 0.01 * (np.trace(gram_x) + np.trace(gram_y))
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    for at in range(0, matrix.nnz, 1_000_000):
        part = slice(at, at + 1_000_000)
        score = np.einsum("ij,ij->i", x[rows[part]], y[matrix.indices[part]])
        loss += ((1 + matrix.data[part].astype(np.float64)) * (1 - score) ** 2 - score**2).sum()
    return loss


matrix = read_matrix(PATH)
confidence = matrix.copy()
confidence.data = 1 + confidence.data
model = AlternatingLeastSquares(factors=64, regularization=0.01, iterations=ROUNDS, num_threads=THREADS, random_state=1)
start = time.perf_counter()
model.fit(confidence, show_progress=False)
fitted = time.perf_counter()
if RANKING:
    model.recommend(np.arange(matrix.shape[0]), matrix, N=20)
ranked = time.perf_counter()
print(json.dumps({"fit": fitted - start, "rank": ranked - fitted, "loss": loss_of(matrix, model.user_factors, model.item_factors)}))
