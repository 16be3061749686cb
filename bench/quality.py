"""Others' lists for quality.mjs: quality.py '{"matrix": path, "out": path, "n": 20, "method": ..., ...}'.

Writes [users * n] int32 columns, best first, items of the user's own row left out, unused places -1.
"""
import json
import sys

import numpy as np
import scipy.sparse as sp

from peers.peers import read_matrix

USERS_AT_ONCE = 512


def model_of(task):
    if task["method"] == "als":
        from implicit.cpu.als import AlternatingLeastSquares

        a = task["als"]
        return AlternatingLeastSquares(
            factors=a["factors"], regularization=a["regularisation"], alpha=1.0, iterations=a["iterations"], random_state=a["seed"], num_threads=2
        )
    from implicit import nearest_neighbours as nn

    kinds = {"cosine": nn.CosineRecommender, "tfidf": nn.TFIDFRecommender, "bm25": nn.BM25Recommender}
    # implicit counts an item among its own neighbours.
    return kinds[task["similarity"]](K=task["neighbours"] + 1, num_threads=2)


def implicit(task, matrix):
    model = model_of(task)
    fitted = matrix.copy()
    if task["method"] == "als":
        # implicit takes confidences; ours are 1 + alpha r.
        fitted.data = 1 + task["als"]["alpha"] * fitted.data
    model.fit(fitted, show_progress=False)
    users = np.arange(matrix.shape[0])
    items, scores = model.recommend(users, matrix, N=task["n"], filter_already_liked_items=True)
    return np.where((items < 0) | ~(scores > (0 if task["method"] != "als" else -1e30)), -1, items).astype(np.int32)


def ease(task, matrix):
    """Steck 2019, as the paper prints it."""
    gram = (matrix.T @ matrix).toarray().astype(np.float64)
    gram[np.diag_indices(len(gram))] += task["ease"]["regularisation"]
    inverse = np.linalg.inv(gram)
    weights = inverse / -np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return weights


def rp3beta(task, matrix):
    """Paudel et al. 2016: the walk item - user - item, the popular held back; of each item the best neighbours but itself."""
    alpha, beta = task["rp3beta"]["alpha"], task["rp3beta"]["beta"]
    ones = (matrix > 0).astype(np.float64)
    users, items = (np.maximum(np.asarray(ones.sum(axis)).ravel(), 1) for axis in (1, 0))
    walk = sp.csr_matrix((sp.diags(items**-alpha) @ ones.T) @ (sp.diags(users**-alpha) @ ones) @ sp.diags(items**-beta))
    for row in range(walk.shape[0]):
        cells = slice(walk.indptr[row], walk.indptr[row + 1])
        values = walk.data[cells]
        values[walk.indices[cells] == row] = 0
        values[np.argsort(-values, kind="stable")[task["neighbours"] :]] = 0
    walk.eliminate_zeros()
    return walk


def published(task, matrix):
    """The best of each user's row times the weights of items; by RP3beta those that the walk reaches."""
    weights = {"ease": ease, "rp3beta": rp3beta}[task["method"]](task, matrix)
    least = 0 if task["method"] == "rp3beta" else -np.inf
    lists = np.full((matrix.shape[0], task["n"]), -1, np.int32)
    for begin in range(0, matrix.shape[0], USERS_AT_ONCE):
        rows = matrix[begin : begin + USERS_AT_ONCE]
        scores = rows @ weights
        scores = scores.toarray() if sp.issparse(scores) else scores
        scores[rows.nonzero()] = -np.inf
        best = np.argsort(-scores, axis=1, kind="stable")[:, : task["n"]]
        lists[begin : begin + len(best), : best.shape[1]] = np.where(np.take_along_axis(scores, best, 1) > least, best, -1)
    return lists


task = json.loads(sys.argv[1])
matrix = read_matrix(task["matrix"])
items = (published if task["method"] in ("ease", "rp3beta") else implicit)(task, matrix)
# Unused places are last, but some are filled with what was filtered.
for row, own in zip(items, np.split(matrix.indices, matrix.indptr[1:-1])):
    kept = row[(row >= 0) & ~np.isin(row, own)]
    row[:] = -1
    row[: len(kept)] = kept
full = np.full((matrix.shape[0], task["n"]), -1, np.int32)
full[:, : items.shape[1]] = items
full.tofile(task["out"])
