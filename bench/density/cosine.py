"""scikit-learn's DBSCAN by cosine on the items of a matrix file; compares its labels with a file of int32. Prints JSON.

python3 cosine.py MATRIX EPS MIN_SAMPLES JOBS LABELS
"""

import json
import pathlib
import sys
import time

import numpy as np
from sklearn.cluster import DBSCAN

sys.path.append(str(pathlib.Path(__file__).parent.parent))
sys.path.append(str(pathlib.Path(__file__).parent.parent / "factors"))
from matrix_file import read_matrix  # noqa: E402
from peak import peak_mb  # noqa: E402

path, eps, min_samples, jobs, labels = sys.argv[1:6]
items = read_matrix(path).T.tocsr().astype(np.float64)
begin = time.perf_counter()
model = DBSCAN(eps=float(eps), min_samples=int(min_samples), metric="cosine", n_jobs=int(jobs)).fit(items)
seconds = time.perf_counter() - begin
different = int((model.labels_ != np.fromfile(labels, dtype=np.int32)).sum())
print(json.dumps({"seconds": seconds, "different": different, "peakMb": peak_mb()}))
