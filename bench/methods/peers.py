"""The peers of bench.mjs: peers.py WORK PEER MATRIX PROFILES RUNS THREADS USERS. Prints a line of JSON: the result to compare, seconds of each run."""
import json
import sys
import time
from pathlib import Path

import numpy as np
import scipy.sparse as sp

sys.path.append(str(Path(__file__).parents[1] / "factors"))
from matrix_file import read_matrix  # noqa: E402

WORK, PEER, MATRIX, PROFILES = sys.argv[1:5]
RUNS, THREADS, USERS = map(int, sys.argv[5:8])
TOP = 20
BLOCK = 512
# What has taken so long is not run again.
PATIENCE_SECONDS = 60


def best(block):
    """Sum of the largest TOP numbers above 0 of each row of a dense block."""
    top = np.partition(block, block.shape[1] - TOP, axis=1)[:, -TOP:]
    return top[top > 0].astype(np.float64).sum()


def ones_of(matrix):
    ones = matrix.copy()
    ones.data = (ones.data > 0).astype(np.float32)
    ones.eliminate_zeros()
    return ones


def rp3beta_similaripy():
    import similaripy

    itself = sp.eye_array(matrix.shape[1], format="csr", dtype=np.float32)
    options = {"verbose": False, "format_output": "csr", "num_threads": THREADS}
    of_items = sp.csr_array(ones_of(matrix).T)
    return similaripy.rp3beta(of_items, alpha=1, beta=0.6, k=TOP, filter_cols=itself, **options).data.astype(np.float64).sum()


def rp3beta():
    ones = ones_of(matrix)
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
    """Nearly every user shares a common word with nearly every item, so a product of two sparse matrices would be slower than
    one with dense profiles of users, of the features that there are."""
    of_items = read_matrix(PROFILES)
    of_items = of_items[:, np.unique(of_items.indices)]
    total = 0
    for begin in range(0, USERS, BLOCK):
        rows = matrix[begin : min(begin + BLOCK, USERS)]
        of_users = (rows @ of_items).toarray()
        norms = np.sqrt((of_users * of_users).sum(1, keepdims=True))
        of_users /= np.where(norms > 0, norms, 1)
        block = (of_items @ np.ascontiguousarray(of_users.T)).T.copy()
        block[rows.nonzero()] = 0
        total += best(block)
    return total


matrix = read_matrix(MATRIX)
with open(f"{PROFILES}.json") as file:
    items = json.load(file)
work = {
    ("rp3beta", "scipy"): rp3beta,
    ("rp3beta", "similaripy"): rp3beta_similaripy,
    ("profiles", "scikit-learn"): profiles,
    ("content", "scipy"): content,
}[WORK, PEER]
times = []
for _ in range(RUNS):
    start = time.perf_counter()
    result = work()
    times.append(time.perf_counter() - start)
    if sum(times) > PATIENCE_SECONDS:
        break
print(json.dumps({"result": float(result), "seconds": times}))
