"""The peers of bench.mjs: peers.py WORK MATRIX PROFILES RUNS. Prints a line of JSON: the result to compare, seconds of each run."""
import json
import sys
import time
from pathlib import Path

import numpy as np
import scipy.sparse as sp

sys.path.append(str(Path(__file__).parents[1] / "factors"))
from matrix_file import read_matrix  # noqa: E402

WORK, MATRIX, PROFILES, RUNS = *sys.argv[1:4], int(sys.argv[4])
TOP = 20
BLOCK = 512


def best(block):
    """Sum of the largest TOP numbers above 0 of each row of a dense block."""
    top = -np.partition(-block, TOP - 1, axis=1)[:, :TOP]
    return top[top > 0].astype(np.float64).sum()


def rp3beta():
    ones = matrix.copy()
    ones.data = (ones.data > 0).astype(np.float32)
    ones.eliminate_zeros()
    users, items = np.asarray(ones.sum(1)).ravel(), np.asarray(ones.sum(0)).ravel()
    by_user = sp.diags(1 / np.maximum(users, 1)) @ ones
    back = (by_user @ sp.diags(np.maximum(items, 1) ** -0.6)).tocsr().astype(np.float32)
    walk = (sp.diags(1 / np.maximum(items, 1)) @ ones.T).tocsr().astype(np.float32)
    total = 0
    for begin in range(0, walk.shape[0], BLOCK):
        block = (walk[begin : begin + BLOCK] @ back).toarray()
        block[np.arange(block.shape[0]), np.arange(begin, begin + block.shape[0])] = 0
        total += best(block)
    return total


def profiles():
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
    from sklearn.preprocessing import normalize

    fields = []
    for f, pattern in enumerate((r"(?u)\w\w+", r"(?u).+")):
        hashed = HashingVectorizer(n_features=1 << 18, alternate_sign=False, norm=None, token_pattern=pattern)
        counts = hashed.transform([item[f] for item in items])
        counts.data = np.sqrt(counts.data)
        fields.append(TfidfTransformer().fit_transform(counts))
    return normalize(sp.hstack(fields)).nnz


def content():
    of_items = read_matrix(PROFILES)
    of_users = matrix @ of_items
    norms = np.sqrt(np.asarray(of_users.multiply(of_users).sum(1)).ravel())
    of_users = (sp.diags(1 / np.where(norms > 0, norms, 1)) @ of_users).tocsr().astype(np.float32)
    transposed = of_items.T.tocsr()
    total = 0
    for begin in range(0, of_users.shape[0], BLOCK):
        block = (of_users[begin : begin + BLOCK] @ transposed).toarray()
        block[matrix[begin : begin + BLOCK].nonzero()] = 0
        total += best(block)
    return total


matrix = read_matrix(MATRIX)
with open(f"{PROFILES}.json") as file:
    items = json.load(file)
work = {"rp3beta": rp3beta, "profiles": profiles, "content": content}[WORK]
times = []
for _ in range(RUNS):
    start = time.perf_counter()
    result = work()
    times.append(time.perf_counter() - start)
print(json.dumps({"result": float(result), "seconds": times}))
