"""implicit's lists for quality.mjs: quality.py '{"matrix": path, "out": path, "n": 20, "method": ..., ...}'.

Writes [users * n] int32 columns, best first, items of the user's own row left out, unused places -1.
"""
import json
import sys

import numpy as np

from peers.peers import read_matrix


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


task = json.loads(sys.argv[1])
matrix = read_matrix(task["matrix"])
model = model_of(task)
fitted = matrix.copy()
if task["method"] == "als":
    # implicit takes confidences; ours are 1 + alpha r.
    fitted.data = 1 + task["als"]["alpha"] * fitted.data
model.fit(fitted, show_progress=False)
n = task["n"]
users = np.arange(matrix.shape[0])
items, scores = model.recommend(users, matrix, N=n, filter_already_liked_items=True)
items = np.where((items < 0) | ~(scores > (0 if task["method"] != "als" else -1e30)), -1, items).astype(np.int32)
# Unused places are last, but some are filled with what was filtered.
for row, own in zip(items, np.split(matrix.indices, matrix.indptr[1:-1])):
    kept = row[(row >= 0) & ~np.isin(row, own)]
    row[:] = -1
    row[: len(kept)] = kept
full = np.full((matrix.shape[0], n), -1, np.int32)
full[:, : items.shape[1]] = items
full.tofile(task["out"])
