"""Products of matrices without threads."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from mockserver.audio.products import product

# Prints the CPU time of a product in all threads, and in the one that computes it.
_TIMES = """
import time
import numpy as np
from mockserver.audio.products import product
left, right = np.ones((20_000, 513)), np.ones((513, 32))
product(left, right)
began = time.process_time(), time.thread_time()
for _ in range(5):
    product(left, right)
print(time.process_time() - began[0], time.thread_time() - began[1])
"""


@pytest.mark.parametrize("rows", [0, 1, 10, 11, 12, 13, 5_000])
def test_a_product_is_that_of_the_matrices(rows: int) -> None:
    rng = np.random.default_rng(0)
    left = rng.integers(-100, 100, (rows, 513)).astype(np.float32)
    right = rng.integers(-100, 100, (513, 32)).astype(np.float64)
    made = product(left, right)
    assert np.array_equal(made, left @ right)
    assert made.dtype == np.float64


@pytest.mark.skipif(os.cpu_count() == 1, reason="one CPU has no threads to divide work among")
def test_one_thread_computes_it() -> None:
    done = subprocess.run([sys.executable, "-c", _TIMES], capture_output=True, text=True, check=True)
    of_all, of_one = map(float, done.stdout.split())
    assert of_all < 1.1 * of_one + 0.01
