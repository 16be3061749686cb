"""One peer, one work: peers.py '{"peer": ..., "matrix": path, "out": path, "threads": n, "runs": n, "task": {...}}'.

Prints one line of JSON: {"version", "seconds": [...]} or {"missing": why}. Scores go to `out`, row by row, best first,
float32, places without a neighbour 0. Timed is the whole call on a matrix in memory, normalising included.
"""
import json
import sys
import time

import numpy as np
import scipy.sparse as sp


def read_matrix(path):
    raw = np.memmap(path, mode="r")
    size = int(raw[:8].view("<u8")[0])
    header = json.loads(raw[8 : 8 + size].tobytes())

    def tensor(name, dtype):
        begin, end = header[name]["data_offsets"]
        return np.array(raw[8 + size + begin : 8 + size + end].view(dtype))

    shape = tuple(header[ids]["shape"][0] - 1 for ids in ("users.offsets", "items.offsets"))
    indptr = tensor("csr.indptr", "<i8").astype(np.int32)
    return sp.csr_matrix((tensor("csr.values", "<f4"), tensor("csr.indices", "<i4"), indptr), shape=shape)


def normalised(matrix):
    norm = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1), dtype=np.float64).ravel())
    norm[norm == 0] = 1
    return sp.diags((1 / norm).astype(np.float32)).dot(matrix).tocsr()


def top_of_rows(product, k, indices=None):
    """The k largest of each row of a CSR matrix, descending."""
    scores = np.zeros((product.shape[0], k), np.float32)
    for row in range(product.shape[0]):
        begin, end = product.indptr[row], product.indptr[row + 1]
        values = product.data[begin:end]
        best = np.argpartition(-values, k - 1)[:k] if len(values) > k else np.arange(len(values))
        best = best[np.argsort(-values[best], kind="stable")]
        scores[row, : len(best)] = values[best]
        if indices is not None:
            indices[row, : len(best)] = product.indices[begin:end][best]
    return scores


def blocks(rows, size=2000):
    return [(begin, min(begin + size, rows)) for begin in range(0, rows, size)]


def scipy_similar(matrix, task, threads):
    documents = normalised(matrix.T.tocsr() if task["axis"] == "items" else matrix)
    transposed = documents.T.tocsr()
    rows = task["rows"] or documents.shape[0]
    return np.vstack([top_of_rows(documents[a:b] @ transposed, task["k"]) for a, b in blocks(rows)])


def scipy_recommend(matrix, task, threads):
    items = normalised(matrix.T.tocsr())
    transposed = items.T.tocsr()
    k = task["neighbours"]
    # The item itself, always the most similar, is no neighbour.
    data, columns, indptr = [], [], [0]
    for a, b in blocks(items.shape[0]):
        product = (items[a:b] @ transposed).tolil()
        product.setdiag(0, k=a)
        product = product.tocsr()
        product.eliminate_zeros()
        indices = np.full((b - a, k), -1, np.int64)
        scores = top_of_rows(product, k, indices)
        used = indices >= 0
        data.append(scores[used])
        columns.append(indices[used])
        indptr.extend(indptr[-1] + np.cumsum(used.sum(axis=1)))
    model = sp.csr_matrix((np.concatenate(data), np.concatenate(columns), np.array(indptr)), shape=(items.shape[0],) * 2)
    result = []
    seen = matrix.copy()
    seen.data[:] = 1
    for a, b in blocks(matrix.shape[0]):
        product = matrix[a:b] @ model
        product = product - product.multiply(seen[a:b])
        product.eliminate_zeros()
        result.append(top_of_rows(product.tocsr(), task["n"]))
    return np.vstack(result)


def sklearn_similar(matrix, task, threads):
    from sklearn.neighbors import NearestNeighbors

    documents = matrix.T.tocsr() if task["axis"] == "items" else matrix
    rows = task["rows"] or documents.shape[0]
    found = NearestNeighbors(n_neighbors=task["k"], metric="cosine", algorithm="brute", n_jobs=threads).fit(documents)
    return np.maximum(1 - found.kneighbors(documents[:rows])[0], 0).astype(np.float32)


def sdt_similar(matrix, task, threads):
    from sparse_dot_topn import sp_matmul_topn

    documents = normalised(matrix.T.tocsr() if task["axis"] == "items" else matrix)
    rows = task["rows"] or documents.shape[0]
    product = sp_matmul_topn(documents[:rows], documents.T.tocsr(), top_n=task["k"], sort=True, n_threads=threads)
    return lambda: top_of_rows(product, task["k"])


def implicit_similar(matrix, task, threads):
    from implicit.nearest_neighbours import CosineRecommender

    if task["rows"]:
        raise ImportError("implicit computes all rows or none")
    model = CosineRecommender(K=task["k"], num_threads=threads)
    model.fit(matrix if task["axis"] == "items" else matrix.T.tocsr(), show_progress=False)
    return lambda: top_of_rows(model.similarity.tocsr(), task["k"])


def similaripy_similar(matrix, task, threads):
    import similaripy

    documents = sp.csr_array(matrix.T.tocsr() if task["axis"] == "items" else matrix)
    rows = np.arange(task["rows"] or documents.shape[0], dtype=np.int32)
    product = similaripy.cosine(documents, k=task["k"], target_rows=rows, verbose=False, format_output="csr", num_threads=threads)
    return lambda: top_of_rows(sp.csr_matrix(product)[: len(rows)], task["k"])


# Peer: module, and its works. Those that need one thread say so.
PEERS = {
    "scipy": ("scipy", {"similar": scipy_similar, "recommend": scipy_recommend}),
    "scikit-learn": ("sklearn", {"similar": sklearn_similar}),
    "sparse_dot_topn": ("sparse_dot_topn", {"similar": sdt_similar}),
    "implicit": ("implicit", {"similar": implicit_similar}),
    "similaripy": ("similaripy", {"similar": similaripy_similar}),
}


def main():
    request = json.loads(sys.argv[1])
    module_name, works = PEERS[request["peer"]]
    try:
        module = __import__(module_name)
        task = request["task"]
        if task["kind"] not in works:
            raise ImportError("it has no such call")
        if request["peer"] == "scipy" and request["threads"] != 1:
            raise ImportError("it uses one thread")
        matrix = read_matrix(request["matrix"])
        seconds = []
        for _ in range(request["runs"]):
            start = time.perf_counter()
            result = works[task["kind"]](matrix, task, request["threads"])
            seconds.append(time.perf_counter() - start)
            if sum(seconds) > request["patience"]:
                break
        # Some bring their own format: what it takes to compare is not their time.
        scores = result() if callable(result) else result
    except ImportError as error:
        print(json.dumps({"missing": str(error)}))
        return
    scores.astype("<f4").tofile(request["out"])
    print(json.dumps({"version": module.__version__, "seconds": seconds}))


main()
