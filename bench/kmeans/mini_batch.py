"""scikit-learn's MiniBatchKMeans on float32 files: mini_batch.py '{"points": path, "centroids": path, "dims": n, "batch": n, ...}'."""
import json
import sys
import time

import numpy as np
import sklearn
from sklearn.cluster import MiniBatchKMeans
from threadpoolctl import threadpool_limits

task = json.loads(sys.argv[1])
points = np.fromfile(task["points"], np.float32).reshape(-1, task["dims"])
centroids = np.fromfile(task["centroids"], np.float32).reshape(-1, task["dims"])
seconds = []
with threadpool_limits(task["threads"]):
    for _ in range(task["runs"]):
        begun = time.perf_counter()
        model = MiniBatchKMeans(
            len(centroids), init=centroids, n_init=1, batch_size=task["batch"], max_iter=task["iterations"], max_no_improvement=None, tol=0
        ).fit(points)
        seconds.append(time.perf_counter() - begun)
print(json.dumps({"seconds": seconds, "inertia": float(model.inertia_), "version": sklearn.__version__}))
