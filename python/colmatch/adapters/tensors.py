"""What the adapters share: the hosts' dictionaries of batched tensors to our arrays and back."""

from __future__ import annotations

import importlib
import importlib.machinery
import sys
import types
from typing import Any, Dict, List

import numpy as np

from .._loading import require_torch
from ..errors import EnvironmentError, InputError
from ..features import Features, Matches, to_numpy


def host_module(name: str):
    """A module of the host. Raises EnvironmentError where the host is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise EnvironmentError(f"{name} cannot be imported ({error}): install {name.partition('.')[0]} in this environment "
                               "first") from error


def add_module(name: str, cls: type) -> type:
    """Makes a class findable as the only class of the host's module `name`, as the hosts load their models."""
    module = types.ModuleType(name, cls.__doc__)
    module.__spec__ = importlib.machinery.ModuleSpec(name, None)  # glue-factory asks importlib.util.find_spec
    cls.__module__ = name
    setattr(module, cls.__name__, cls)
    sys.modules[name] = module
    parent, _, child = name.rpartition(".")
    setattr(sys.modules[parent], child, module)
    return cls


def gray_images(image: Any) -> List[np.ndarray]:
    """(B, 1, H, W) or (B, 3, H, W) in [0, 1] to B arrays that FeatureExtractor takes."""
    array = to_numpy(image)
    if array.ndim != 4 or array.shape[1] not in (1, 3):
        raise InputError(f"image: expected (B, 1, H, W) or (B, 3, H, W), found {array.shape}")
    # Resizing with cubic interpolation overshoots.
    array = np.clip(array, 0, 1)
    return [one[0] if len(one) == 1 else np.moveaxis(one, 0, 2) for one in array]


def features_of(data: Dict[str, Any], side: str, index: int) -> Features:
    """Of the image `side` of a pair of the batch: keypointsS (B, N, 2), descriptorsS (B, D, N), scores or keypoint_scores."""
    def get(*names: str):
        for name in names:
            if name in data:
                return to_numpy(data[name])[index]
        raise InputError(f"data: expected {names[0]}, found {', '.join(data)}")

    if f"image_size{side}" in data:
        width, height = (int(v) for v in to_numpy(data[f"image_size{side}"])[index].reshape(-1)[:2])
    else:
        height, width = data[f"image{side}"].shape[-2:]
    keypoints = get(f"keypoints{side}")
    descriptors = get(f"descriptors{side}")
    return Features(keypoints, get(f"scores{side}", f"keypoint_scores{side}"), descriptors.T, image_size=(width, height))


def match_tensors(found: List[Matches], counts0: List[int], counts1: List[int], device: Any) -> Dict[str, Any]:
    """matches0 (B, N), matches1 (B, M), -1 where there is none, and matching_scores0, matching_scores1."""
    torch = require_torch()
    output = {"matches0": torch.full((len(found), max(counts0)), -1, dtype=torch.long),
              "matches1": torch.full((len(found), max(counts1)), -1, dtype=torch.long),
              "matching_scores0": torch.zeros(len(found), max(counts0)),
              "matching_scores1": torch.zeros(len(found), max(counts1))}
    for i, (pairs, scores) in enumerate(found):
        index0, index1 = torch.from_numpy(pairs[:, 0].copy()), torch.from_numpy(pairs[:, 1].copy())
        output["matches0"][i, index0], output["matches1"][i, index1] = index1, index0
        output["matching_scores0"][i, index0] = output["matching_scores1"][i, index1] = torch.from_numpy(scores)
    return {name: value.to(device) for name, value in output.items()}
