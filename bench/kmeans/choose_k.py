"""scikit-learn's choice of k and prediction on float32 files: choose_k.py '{"points": path, "centroids": path, "dims": n, ...}'."""
import json
import sys
import time

import numpy as np
import sklearn
from sklearn.cluster import KMeans
from sklearn.metrics import calinski_harabasz_score, silhouette_score
from threadpoolctl import threadpool_limits

task = json.loads(sys.argv[1])
points = np.fromfile(task["points"], np.float32).reshape(-1, task["dims"])
centroids = np.fromfile(task["centroids"], np.float32).reshape(-1, task["dims"])
numbers = range(task["minK"], task["maxK"] + 1)
sample = min(task["sample"], len(points))


def timed(work):
    seconds = []
    for _ in range(task["runs"]):
        begun = time.perf_counter()
        found = work()
        seconds.append(time.perf_counter() - begun)
    return seconds, found


def choose():
    found = []
    for k in numbers:
        model = KMeans(k, n_init=1, random_state=1).fit(points)
        silhouette = silhouette_score(points, model.labels_, sample_size=sample, random_state=1)
        found.append((silhouette, calinski_harabasz_score(points, model.labels_), model.inertia_))
    return found


with threadpool_limits(task["threads"]):
    choice, found = timed(choose)
    model = KMeans(len(centroids), init=centroids, n_init=1, max_iter=1).fit(points[: len(centroids) * 2])
    model.cluster_centers_ = centroids
    nearest, labels = timed(lambda: model.predict(points))
best = max(range(len(found)), key=lambda i: found[i][0])
print(
    json.dumps(
        {
            "choice": choice,
            "nearest": nearest,
            "k": numbers[best],
            "inertias": [float(inertia) for _, _, inertia in found],
            "inertia": float(((points - centroids[labels]) ** 2).sum(dtype=np.float64)),
            "version": sklearn.__version__,
        }
    )
)
