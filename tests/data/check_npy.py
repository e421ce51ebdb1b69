"""check_npy.py FILE ROWS COLUMNS: is FILE, to numpy, the floats 0.5, 1.5, ... in this shape?"""
import sys

import numpy as np

path, rows, columns = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
found = np.load(path, allow_pickle=False)
wanted = (np.arange(rows * columns, dtype=np.float32) + np.float32(0.5)).reshape(rows, columns)
assert found.dtype == np.dtype("<f4"), found.dtype
assert found.flags.c_contiguous
assert np.array_equal(found, wanted), found
