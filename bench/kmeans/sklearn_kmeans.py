"""scikit-learn's Lloyd on float32 files: sklearn_kmeans.py '{"points": path, "centroids": path, "dims": n, "k": n, ...}'."""
import json
import sys
import time
import warnings

import numpy as np
import sklearn
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

warnings.filterwarnings("ignore")
task = json.loads(sys.argv[1])
points = np.fromfile(task["points"], np.float32).reshape(-1, task["dims"])
centroids = np.fromfile(task["centroids"], np.float32).reshape(-1, task["dims"])
seconds = []
with threadpool_limits(task["threads"]):
    for _ in range(task["runs"]):
        begun = time.perf_counter()
        model = KMeans(task["k"], init=centroids, n_init=1, max_iter=task["iterations"], tol=0, algorithm="lloyd").fit(points)
        seconds.append(time.perf_counter() - begun)
print(json.dumps({"seconds": seconds, "inertia": float(model.inertia_), "version": f"scikit-learn {sklearn.__version__}"}))
