"""scikit-learn's DBSCAN on a file of float32 points; compares its labels with a file of int32. Prints one JSON object.

python3 dbscan.py POINTS DIMS EPS MIN_SAMPLES JOBS LABELS
"""

import json
import pathlib
import sys
import time

import numpy as np
from sklearn.cluster import DBSCAN

sys.path.append(str(pathlib.Path(__file__).parent.parent))
from peak import peak_mb  # noqa: E402

path, dims, eps, min_samples, jobs, labels = sys.argv[1:7]
points = np.fromfile(path, dtype=np.float32).reshape(-1, int(dims))
begin = time.perf_counter()
model = DBSCAN(eps=float(eps), min_samples=int(min_samples), n_jobs=int(jobs)).fit(points)
seconds = time.perf_counter() - begin
different = int((model.labels_ != np.fromfile(labels, dtype=np.int32)).sum())
print(json.dumps({"seconds": seconds, "different": different, "peakMb": peak_mb()}))
