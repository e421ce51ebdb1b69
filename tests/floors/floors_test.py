#!/usr/bin/env python3
"""Plants violations in a small tree, and asks floors.py for each."""

import os
import subprocess
import sys
import tempfile
import unittest

import floors

# A tree that keeps every rule, with each kind of include that is allowed.
GOOD = {
    "include/hourglass/core/ptr.h": "#include <cstdint>\n",
    "include/hourglass/ops/backend.h": '#include "hourglass/core/ptr.h"\n',
    "include/hourglass/data/ratings.h": "#include <hourglass/core/ptr.h>\n",
    "include/hourglass/model/model.h": '#include "hourglass/data/ratings.h"\n',
    "src/core/denormals.h": "#if defined(__SSE2__)\n#endif\n",
    "src/cpu/backend.cc": '#include "core/denormals.h"\n#include "cpu/kernels.h"\n',
    "src/cuda/backend.cc": "#ifdef __CUDACC__\n#endif\n#include <cuda_runtime.h>\n",
    "kernels/launch.cuh": '#include "hourglass/ops/backend.h"\n#if CUDA_VERSION > 12000\n#endif\n',
    "src/devices/open.cc": '#include "cpu/backend.h"\n#include "hourglass/ops/backend.h"\n',
    "src/evaluate/split.cc": '#include "hourglass/train/trainer.h"\n',
    "src/cli/train.cc": '#include "hourglass/devices/device.h"\n#include "cli/commands.h"\n',
    "tests/data/uncommon_test.cc": '#include "cpu/backend.h"\n',
}

# (file, line, part of what must be said)
BAD = [
    # upward
    ("include/hourglass/core/a.h", '#include "hourglass/ops/backend.h"', "is not below it"),
    ("include/hourglass/ops/a.h", '#include "hourglass/model/model.h"', "is not below it"),
    ("src/cpu/a.cc", '#include "hourglass/data/ratings.h"', "is not below it"),
    ("src/cpu/a.cc", '#include "hourglass/devices/device.h"', "is not below it"),
    ("kernels/a.cu", '#include "hourglass/devices/device.h"', "is not below it"),
    ("src/model/a.cc", '#include "cli/commands.h"', "is not below it"),
    # sideways
    ("src/cpu/a.cc", '#include "reference/backend.h"', "is not below it"),
    ("src/reference/a.cc", '#include "cpu/backend.h"', "is not below it"),
    ("src/cuda/a.cc", '#include "cpu/thread_pool.h"', "is not below it"),
    ("src/devices/a.cc", '#include "cuda/backend.h"', "is not below it"),
    ("src/cli/a.cc", '#include "cuda/backend.h"', "is not below it"),
    ("src/data/a.cc", '#include "hourglass/model/model.h"', "is not below it"),
    ("src/model/a.cc", '#include "hourglass/train/trainer.h"', "is not below it"),
    ("src/train/a.cc", '#include "hourglass/evaluate/split.h"', "is not below it"),
    ("src/train/a.cc", '#include "hourglass/devices/device.h"', "is not below it"),
    # the recommender names no device
    ("src/train/a.cc", '#include "cpu/backend.h"', "is not below it"),
    ("src/model/a.cc", "  #  include <reference/backend.h>", "is not below it"),
    ("src/model/a.cc", "#include <cuda_runtime.h>", "is CUDA's"),
    ("src/devices/a.cc", "#include <cublas_v2.h>", "is CUDA's"),
    # another room's own headers, and include/ from src/
    ("src/train/a.cc", '#include "data/csv_fields.h"', "data's own"),
    ("src/cli/a.cc", '#include "core/denormals.h"', "core's own"),
    ("include/hourglass/core/a.h", '#include "core/denormals.h"', "include/ may not include"),
    ("include/hourglass/devices/a.h", '#include "cpu/backend.h"', "include/ may not include"),
    # what no rule could be asked about
    ("src/data/a.cc", '#include "../cpu/backend.h"', "names no room"),
    ("src/data/a.cc", '#include "csv_fields.h"', "names no room"),
    ("src/data/a.cc", '#include "hourglass/everything.h"', "names no room"),
    ("src/plumbing/a.cc", "#include <vector>", "plumbing is no room"),
    ("include/hourglass/a.h", "#include <vector>", "this is no room"),
    # conditions about CUDA
    ("include/hourglass/core/a.h", "#ifdef __CUDACC__\n#endif", "condition about CUDA"),
    ("src/model/a.cc", "#if 1 && \\\n  defined(HOURGLASS_CUDA)\n#endif", "condition about CUDA"),
    ("src/cli/a.cc", "#if 0\n#elif __has_include(<cuda.h>)\n#endif", "condition about CUDA"),
    ("src/devices/a.cc", "#ifndef USE_GPU\n#endif", "condition about CUDA"),
    # names
    ("src/data/string_utils.cc", "", "no file is named utils"),
    ("tests/common/a.cc", "", "no file is named common"),
    ("tools/misc", "", "no file is named misc"),
]


class FloorsTest(unittest.TestCase):
    def tree(self, files):
        root = tempfile.TemporaryDirectory()
        self.addCleanup(root.cleanup)
        for path, text in files.items():
            os.makedirs(os.path.join(root.name, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(root.name, path), "w", encoding="utf-8") as file:
                file.write(text)
        return root.name

    def test_a_good_tree_passes(self):
        self.assertEqual(floors.faults(self.tree(GOOD)), ([], 11))

    def test_each_planted_fault_is_found_alone(self):
        for path, text, said in BAD:
            with self.subTest(path=path, text=text):
                found, _ = floors.faults(self.tree(GOOD | {path: text + "\n"}))
                self.assertEqual(len(found), 1, found)
                self.assertTrue(found[0].startswith(path + ":"), found)
                self.assertIn(said, found[0])

    def test_the_line_is_named(self):
        text = '#include <vector>\n\n#include "hourglass/train/trainer.h"\n'
        found, _ = floors.faults(self.tree({"src/data/a.cc": text}))
        self.assertTrue(found[0].startswith("src/data/a.cc:3: "), found)

    def test_the_program_fails_where_there_is_a_fault_and_where_it_finds_nothing(self):
        def status(files):
            command = [sys.executable, floors.__file__, self.tree(files)]
            return subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode

        self.assertEqual(status(GOOD), 0)
        self.assertEqual(status(GOOD | {BAD[0][0]: BAD[0][1]}), 1)
        self.assertEqual(status({"README.md": ""}), 1)


if __name__ == "__main__":
    unittest.main()
