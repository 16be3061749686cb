"""Borgelt's miners and mlxtend on baskets from a file (one basket a line), one thread: a JSON line for each."""
import json
import sys
import time

path, min_count, runs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with open(path) as lines:
    baskets = [[int(item) for item in line.split()] for line in lines]


def measure(name, call, runs=runs):
    seconds = []
    for _ in range(runs):
        begin = time.perf_counter()
        sets = call()
        seconds.append(time.perf_counter() - begin)
        count = len(sets)
        del sets
    print(json.dumps({"peer": name, "sets": count, "seconds": sorted(seconds)}), flush=True)


try:
    import fim

    for name in ("fpgrowth", "eclat", "apriori"):
        measure("borgelt " + name, lambda: getattr(fim, name)(baskets, supp=-min_count, zmin=1, report="a"))
except ImportError:
    print(json.dumps({"peer": "borgelt", "missing": "no module fim (pyfim)"}))
try:
    if "--mlxtend" in sys.argv:
        import numpy
        import pandas
        from mlxtend.frequent_patterns import fpgrowth
        from scipy.sparse import csr_matrix

        indptr = numpy.cumsum([0] + [len(basket) for basket in baskets])
        items = numpy.concatenate([numpy.array(basket, dtype=numpy.int64) for basket in baskets])
        cells = csr_matrix((numpy.ones(len(items), dtype=bool), items, indptr))
        frame = pandas.DataFrame.sparse.from_spmatrix(cells)
        # It rounds share times baskets up, which a share that is not exact would raise by one.
        measure("mlxtend fpgrowth", lambda: fpgrowth(frame, min_support=(min_count - 0.5) / len(baskets)), 1)
except ImportError as missing:
    print(json.dumps({"peer": "mlxtend", "missing": str(missing)}))
