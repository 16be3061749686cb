"""Behaviour matrices of couponcast for Python."""
import json

import numpy as np
import scipy.sparse as sp


def read_matrix(path):
    """As scipy's csr_matrix of users x items."""
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))

    def tensor(name, dtype):
        begin, end = header[name]["data_offsets"]
        return np.fromfile(path, dtype, (end - begin) // np.dtype(dtype).itemsize, offset=8 + size + begin)

    shape = tuple(header[ids]["shape"][0] - 1 for ids in ("users.offsets", "items.offsets"))
    return sp.csr_matrix((tensor("csr.values", "<f4"), tensor("csr.indices", "<i4"), tensor("csr.indptr", "<i8").astype("i4")), shape=shape)
