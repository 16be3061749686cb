"""The factors' peers: peers.py WHAT MATRIX THREADS ROUNDS RANKING. WHAT is als (implicit) or ease (LAPACK through scipy); prints
a line of JSON.

als: 64 factors, regularisation 0.01, confidence 1 + r, the loss over all cells; then, if RANKING is 1, the top 20 of all users.
ease: the inverse of X'X + 250, from the square in memory, in float64.
"""
import json
import os
import sys
import time

WHAT, PATH, THREADS, ROUNDS, RANKING = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
# implicit parallelises by itself and wants BLAS to keep to one thread.
os.environ["OPENBLAS_NUM_THREADS"] = str(THREADS if WHAT == "ease" else 1)
import numpy as np  # noqa: E402


def read_matrix():
    import scipy.sparse as sp

    with open(PATH, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))

    def tensor(name, dtype):
        begin, end = header[name]["data_offsets"]
        return np.fromfile(PATH, dtype, (end - begin) // np.dtype(dtype).itemsize, offset=8 + size + begin)

    shape = tuple(header[ids]["shape"][0] - 1 for ids in ("users.offsets", "items.offsets"))
    return sp.csr_matrix((tensor("csr.values", "<f4"), tensor("csr.indices", "<i4"), tensor("csr.indptr", "<i8").astype("i4")), shape=shape)


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


matrix = read_matrix()
if WHAT == "als":
    from implicit.cpu.als import AlternatingLeastSquares

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
else:
    from scipy.linalg import lapack

    square = (matrix.T @ matrix).toarray().astype(np.float64, order="F")
    square[np.diag_indices_from(square)] += 250
    start = time.perf_counter()
    factor, _ = lapack.dpotrf(square, lower=1, overwrite_a=1)
    lapack.dpotri(factor, lower=1, overwrite_c=1)
    print(json.dumps({"fit": time.perf_counter() - start}))
