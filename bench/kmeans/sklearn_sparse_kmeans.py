"""scikit-learn's Lloyd on the rows of a matrix file: sklearn_sparse_kmeans.py '{"path": path, "k": n, "threads": n, ...}'."""
import json
import sys
import time
import warnings

import numpy as np
import scipy.sparse
import sklearn
from sklearn.cluster import KMeans
from sklearn.preprocessing import normalize
from threadpoolctl import threadpool_limits

warnings.filterwarnings("ignore")
TYPES = {"I64": np.int64, "I32": np.int32, "F32": np.float32}


def read_rows(path):
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        parts = []
        for name in ("csr.values", "csr.indices", "csr.indptr"):
            begin, end = header[name]["data_offsets"]
            file.seek(8 + length + begin)
            parts.append(np.frombuffer(file.read(end - begin), TYPES[header[name]["dtype"]]))
    return scipy.sparse.csr_matrix((parts[0], parts[1], parts[2].astype(np.int32)))


task = json.loads(sys.argv[1])
rows = normalize(read_rows(task["path"]))
start = rows[: task["k"]].toarray()
seconds = []
with threadpool_limits(task["threads"]):
    for _ in range(task["runs"]):
        begun = time.perf_counter()
        model = KMeans(task["k"], init=start, n_init=1, max_iter=task["iterations"], tol=0, algorithm="lloyd").fit(rows)
        seconds.append(time.perf_counter() - begun)
print(json.dumps({"seconds": seconds, "inertia": float(model.inertia_), "version": sklearn.__version__}))
