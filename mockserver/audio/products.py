"""Products of matrices in one thread.

The library behind numpy divides large products among threads, which wait for each other in busy loops. On a machine
with other work, that takes many times the time of the product.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LARGE = 200_000  # multiplications; OpenBLAS divides more than 262,144


def product(left: NDArray[Any], right: NDArray[Any]) -> NDArray[Any]:
    """Return the product of two matrices of floats, computed some rows at a time."""
    import numpy as np

    rows = max(_LARGE // right.size, 1)
    made: NDArray[Any]
    if len(left) <= rows:
        made = left @ right
        return made
    made = np.empty((len(left), right.shape[1]), np.result_type(left, right))
    for begin in range(0, len(left), rows):
        np.matmul(left[begin : begin + rows], right, out=made[begin : begin + rows])
    return made
