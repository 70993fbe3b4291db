"""The networks as torch modules in pure Python, for training and inspection: any weights file, any width.

    from colmatch.torch import SuperGlue, SuperPoint
    superpoint, superglue = SuperPoint.load("default"), SuperGlue.load("default")

They agree with C++ to 1e-4 at every stage (tests/python/torch_test.py). Keypoints are in pixels, the first pixel's centre
is (0, 0); descriptors are (D, N), as the official classes have them.
"""

from .._loading import require_torch

require_torch()  # its error says what to do; the modules below import torch as usual

from .superglue import SuperGlue, log_sinkhorn, matches_from_log_assignment, normalize_keypoints
from .superpoint import SuperPoint

__all__ = ["SuperGlue", "SuperPoint", "log_sinkhorn", "matches_from_log_assignment", "normalize_keypoints"]
