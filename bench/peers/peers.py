"""One peer, one work: peers.py '{"peer": ..., "matrix": path, "given": path, "out": path, "threads": n, "runs": n, "patience": s, "task": {...}}'.

Prints lines of JSON: {"state": "running"} before each run and {"state": "done"} after the last, and at last {"version", "seconds":
[...], "peakMB", "latency"} or {"missing": why}. Scores go to `out`, row by row, best first (of affinity by coupon), float32,
places without one 0. Timed is the whole call on a matrix in memory, weighting and normalising included.

A work is a function of (matrix, task, threads) which gets everything ready and returns two: the call that is timed, and what
makes a table of its result. `given` is the start of the names of files that both sides read: see given.mjs.
"""
import json
import pathlib
import sys
import time

import numpy as np
import scipy.sparse as sp

sys.path.append(str(pathlib.Path(__file__).parent.parent))
from peak import peak_mb  # noqa: E402


def read_matrix(path):
    """Read, not mapped: pages of the file would count as the peer's memory."""
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))

    def tensor(name, dtype):
        begin, end = header[name]["data_offsets"]
        return np.fromfile(path, dtype, (end - begin) // np.dtype(dtype).itemsize, offset=8 + size + begin)

    shape = tuple(header[ids]["shape"][0] - 1 for ids in ("users.offsets", "items.offsets"))
    indptr = tensor("csr.indptr", "<i8").astype(np.int32)
    return sp.csr_matrix((tensor("csr.values", "<f4"), tensor("csr.indices", "<i4"), indptr), shape=shape)


def read_model(task, items):
    """The neighbours of all items as a sparse matrix; row i holds those of item i."""
    counts = np.fromfile(task["given"] + ".counts", "<i4")
    used = np.arange(task["neighbours"]) < counts[:, None]
    indices = np.fromfile(task["given"] + ".indices", "<i4").reshape(used.shape)[used]
    scores = np.fromfile(task["given"] + ".scores", "<f4").reshape(used.shape)[used]
    model = sp.csr_matrix((scores, indices, np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)), shape=(items, items))
    model.sort_indices()
    return model


def read_coupons(task, items):
    """items x coupons, 1 where the coupon's scope holds the item."""
    pairs = np.fromfile(task["given"] + ".scopes", "<i4").reshape(-1, 2)
    ones = np.ones(len(pairs), np.float32)
    return sp.csr_matrix((ones, (pairs[:, 1], pairs[:, 0])), shape=(items, task["coupons"]))


def documents_of(matrix, task):
    """The rows that are compared, weighted as native/include/couponcast/weighting.h says; not normalised."""
    rows = matrix.T.tocsr() if task["axis"] == "items" else matrix
    if task["weighting"] == "cosine":
        return rows
    degrees = np.bincount(rows.indices, minlength=rows.shape[1])
    idf = np.log(np.maximum(rows.shape[0] / (1.0 + degrees), 1))
    values = rows.data.astype(np.float64)
    if task["weighting"] == "tfidf":
        values = np.sqrt(values)
    else:
        k1, b = 1.2, 0.75
        sums = np.asarray(rows.sum(axis=1, dtype=np.float64)).ravel()
        length = k1 * (1 - b + b * sums / sums.mean())
        values = values * (k1 + 1) / (values + np.repeat(length, np.diff(rows.indptr)))
    weights = (values * idf[rows.indices]).astype(np.float32)
    return sp.csr_matrix((weights, rows.indices, rows.indptr), shape=rows.shape)


def normalised(matrix):
    norm = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1), dtype=np.float64).ravel())
    norm[norm == 0] = 1
    return sp.diags((1 / norm).astype(np.float32)).dot(matrix).tocsr()


def factors_of(matrix, task):
    """Similarities are the products of these; BM25's are not divided by a norm."""
    documents = documents_of(matrix, task)
    return documents if task["weighting"] == "bm25" else normalised(documents)


def top_of_rows(product, k):
    """The k largest of each row of a CSR matrix, descending."""
    scores = np.zeros((product.shape[0], k), np.float32)
    for row in range(product.shape[0]):
        values = product.data[product.indptr[row] : product.indptr[row + 1]]
        best = np.partition(values, len(values) - k)[-k:] if len(values) > k else values
        scores[row, : len(best)] = np.sort(best)[::-1]
    return scores


def blocks(rows, columns):
    """Of as many rows as a product with so many columns, dense at worst, has room for."""
    size = max(min(2000, 200_000_000 // columns), 1)
    return [(begin, min(begin + size, rows)) for begin in range(0, rows, size)]


def as_is(scores):
    return scores


def scipy_similar(matrix, task, threads):
    def call():
        factors = factors_of(matrix, task)
        transposed = factors.T.tocsr()
        rows = task["rows"] or factors.shape[0]
        return np.vstack([top_of_rows(factors[a:b] @ transposed, task["k"]) for a, b in blocks(rows, factors.shape[0])])

    return call, as_is


def sklearn_similar(matrix, task, threads):
    from sklearn.neighbors import NearestNeighbors

    if task["weighting"] == "bm25":
        raise ImportError("it has no such call")

    def call():
        documents = documents_of(matrix, task)
        rows = task["rows"] or documents.shape[0]
        found = NearestNeighbors(n_neighbors=task["k"], metric="cosine", algorithm="brute", n_jobs=threads).fit(documents)
        return found.kneighbors(documents[:rows])[0]

    return call, lambda distances: np.maximum(1 - distances, 0).astype(np.float32)


def sdt_similar(matrix, task, threads):
    from sparse_dot_topn import sp_matmul_topn

    def call():
        factors = factors_of(matrix, task)
        rows = task["rows"] or factors.shape[0]
        return sp_matmul_topn(factors[:rows], factors.T.tocsr(), top_n=task["k"], sort=True, n_threads=threads)

    return call, lambda product: top_of_rows(product, task["k"])


def implicit_similar(matrix, task, threads):
    from implicit.nearest_neighbours import CosineRecommender, ItemItemRecommender

    if task["rows"]:
        raise ImportError("it computes all rows or none")

    def call():
        kind = ItemItemRecommender if task["weighting"] == "bm25" else CosineRecommender
        model = kind(K=task["k"], num_threads=threads)
        plain = task["weighting"] == "cosine" and task["axis"] == "items"
        # What it does not normalise itself it wants in float64.
        model.fit(matrix if plain else documents_of(matrix, task).T.tocsr().astype(np.float64), show_progress=False)
        return model.similarity

    return call, lambda similarity: top_of_rows(similarity.tocsr(), task["k"])


def similaripy_similar(matrix, task, threads):
    import similaripy

    similarity = similaripy.dot_product if task["weighting"] == "bm25" else similaripy.cosine
    options = {"verbose": False, "format_output": "csr", "num_threads": threads}

    def call():
        documents = sp.csr_array(documents_of(matrix, task))
        rows = np.arange(task["rows"] or documents.shape[0], dtype=np.int32)
        product = similarity(documents, k=task["k"], target_rows=rows, **options)
        return sp.csr_matrix(product)[: len(rows)]

    return call, lambda product: top_of_rows(product, task["k"])


def scipy_recommend(matrix, task, threads):
    model = read_model(task, matrix.shape[1])

    def call():
        users = matrix[: task["rows"] or matrix.shape[0]]
        result = []
        for a, b in blocks(*users.shape):
            product = users[a:b] @ model
            seen = users[a:b].copy()
            seen.data[:] = 1
            product = product - product.multiply(seen)
            product.eliminate_zeros()
            result.append(top_of_rows(product.tocsr(), task["n"]))
        return np.vstack(result)

    return call, as_is


def implicit_recommender(matrix, task, threads):
    """implicit with the model that is given: the one that fit(K=neighbours) makes."""
    from implicit._nearest_neighbours import NearestNeighboursScorer
    from implicit.nearest_neighbours import CosineRecommender

    recommender = CosineRecommender(K=task["neighbours"], num_threads=threads)
    recommender.similarity = read_model(task, matrix.shape[1]).astype(np.float64)
    recommender.scorer = NearestNeighboursScorer(recommender.similarity)
    return recommender


def implicit_recommend(matrix, task, threads):
    recommender = implicit_recommender(matrix, task, threads)

    def call():
        rows = task["rows"] or matrix.shape[0]
        return recommender.recommend(np.arange(rows), matrix[:rows], N=task["n"])[1]

    # It fills up with the lowest number that there is.
    return call, lambda scores: np.maximum(scores, 0).astype(np.float32)


def similaripy_recommend(matrix, task, threads):
    import similaripy

    model = sp.csr_array(read_model(task, matrix.shape[1]))
    options = {"verbose": False, "format_output": "csr", "num_threads": threads}

    def call():
        users = sp.csr_array(matrix[: task["rows"] or matrix.shape[0]])
        return similaripy.dot_product(users, model, k=task["n"], filter_cols=users, **options)

    return call, lambda product: top_of_rows(sp.csr_matrix(product), task["n"])


def implicit_one(matrix, task, threads):
    recommender = implicit_recommender(matrix, task, threads)
    rows = [matrix[user] for user in range(task["rows"])]

    def call():
        took = np.zeros(len(rows))
        result = []
        for user, row in enumerate(rows):
            start = time.perf_counter()
            _, scores = recommender.recommend(user, row, N=task["n"])
            took[user] = time.perf_counter() - start
            result.append(scores)
        return result, took

    def scores(result):
        table = np.zeros((len(rows), task["n"]), np.float32)
        for row, values in enumerate(result[0]):
            table[row, : len(values)] = np.maximum(values, 0)
        return table

    return call, scores


def scipy_open(matrix, task, threads):
    return (lambda: read_matrix(task["matrix"])), lambda whole: whole[whole.shape[0] >> 1].data


def affinity(multiply):
    """In the order that the task says, with a peer's product of two CSR matrices."""

    def work(matrix, task, threads):
        model = read_model(task, matrix.shape[1])
        coupons = read_coupons(task, matrix.shape[1])

        def join():
            parts = []
            for a, b in blocks(*matrix.shape):
                scores = multiply(matrix[a:b], model, threads)
                parts.append(multiply(scores, coupons, threads).toarray())
            return np.vstack(parts)

        def product():
            return multiply(matrix, multiply(model, coupons, threads), threads).toarray()

        return (join if task["order"] == "join" else product), as_is

    return work


def scipy_multiply(a, b, threads):
    return a @ b


def sdt_multiply(a, b, threads):
    from sparse_dot_topn import sp_matmul

    return sp_matmul(a, b, n_threads=threads)


def similaripy_multiply(a, b, threads):
    import similaripy

    options = {"verbose": False, "format_output": "csr", "num_threads": threads}
    return sp.csr_matrix(similaripy.dot_product(sp.csr_array(a), sp.csr_array(b), k=b.shape[1], **options))


def similaripy_affinity(matrix, task, threads):
    # It gives the k best of a row; k is all coupons, but all items would be rows of mostly nothing.
    if task["order"] == "join":
        raise ImportError("it has no such call")
    return affinity(similaripy_multiply)(matrix, task, threads)


def scipy_affinity(matrix, task, threads):
    if task["order"] == "join":
        return affinity(scipy_multiply)(matrix, task, threads)
    model = read_model(task, matrix.shape[1])
    coupons = read_coupons(task, matrix.shape[1])
    # Few columns: scipy is several times as fast when they are dense.
    return (lambda: matrix @ (model @ coupons).toarray()), as_is


# Peer: module, and its works.
PEERS = {
    "scipy": ("scipy", {"similar": scipy_similar, "recommend": scipy_recommend, "affinity": scipy_affinity, "open": scipy_open}),
    "scikit-learn": ("sklearn", {"similar": sklearn_similar}),
    "sparse_dot_topn": ("sparse_dot_topn", {"similar": sdt_similar, "affinity": affinity(sdt_multiply)}),
    "implicit": ("implicit", {"similar": implicit_similar, "recommend": implicit_recommend, "one": implicit_one}),
    "similaripy": ("similaripy", {"similar": similaripy_similar, "recommend": similaripy_recommend, "affinity": similaripy_affinity}),
}


def say(**line):
    print(json.dumps(line), flush=True)


def measure(request):
    module_name, works = PEERS[request["peer"]]
    module = __import__(module_name)
    task = {**request["task"], "given": request["given"], "matrix": request["matrix"]}
    if task["kind"] not in works:
        raise ImportError("it has no such call")
    if request["peer"] == "scipy" and request["threads"] != 1:
        raise ImportError("it uses one thread")
    # Opening is the work itself.
    matrix = None if task["kind"] == "open" else read_matrix(request["matrix"])
    call, scores = works[task["kind"]](matrix, task, request["threads"])
    answer = {"version": getattr(module, "__version__", None), "seconds": []}
    for run in range(-1, request["runs"]):
        say(state="running")
        result = None
        start = time.perf_counter()
        result = call()
        seconds = time.perf_counter() - start
        if run == -1:
            answer["peakMB"] = peak_mb()
            # As ours: the first call starts the threads; a long one is all that there is.
            if seconds <= request["patience"]:
                continue
        answer["seconds"].append(seconds)
        if sum(answer["seconds"]) > request["patience"]:
            break
    say(state="done")
    if task["kind"] == "one":
        answer["latency"] = dict(zip(("p50", "p95", "p99", "p999"), np.percentile(result[1], (50, 95, 99, 99.9))))
    scores(result).astype("<f4").tofile(request["out"])
    return answer


def main():
    try:
        say(**measure(json.loads(sys.argv[1])))
    except ImportError as error:
        say(missing=str(error))


if __name__ == "__main__":
    main()
