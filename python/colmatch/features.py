"""Features and matches as NumPy arrays, and the checks of what comes from outside."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, NamedTuple, Tuple

import numpy as np

from .errors import InputError


@dataclass(eq=False)
class Features:
    """Local features of one image: N keypoints, D descriptor channels.

    The arrays are not copied. Keypoints are those of the photo as stored, however the network saw it.
    """

    keypoints: np.ndarray
    """(N, 2) float32, x and y in pixels; the first pixel's centre is (0, 0)."""
    scores: np.ndarray
    """(N,) float32, probability of detection."""
    descriptors: np.ndarray
    """(N, D) float32, rows of unit length."""
    scales: np.ndarray = field(default=None)  # type: ignore[assignment, arg-type]
    """(N,) float32: image pixels per pixel that the network saw; 1 where it saw the image as it is."""
    image_size: Tuple[int, int] = (0, 0)
    """(width, height) of the image, pixels."""
    quarter_turns: int = 0
    """0 to 3: quarter turns clockwise at which the network saw the photo, as its EXIF says."""

    def __post_init__(self):
        if self.scales is None:
            self.scales = np.ones(len(self.keypoints), np.float32)

    def __len__(self) -> int:
        return len(self.keypoints)

    def as_dict(self) -> dict[str, Any]:
        """As hloc has them: keypoints (N, 2), scores (N,), descriptors (D, N), image_size (2,)."""
        return {
            "keypoints": self.keypoints,
            "scores": self.scores,
            "descriptors": np.ascontiguousarray(self.descriptors.T),
            "image_size": np.asarray(self.image_size),
        }

    @staticmethod
    def from_dict(features: Mapping[str, Any]) -> "Features":
        """From hloc's dictionary or HDF5 group: descriptors (D, N); `keypoint_scores` is taken for `scores`. Leading
        batch dimensions of one are dropped, torch tensors are taken. Raises InputError."""
        return features_from_dict(features)


class Matches(NamedTuple):
    """Matches of a pair: M of them, by rising index of the first image."""

    matches: np.ndarray
    """(M, 2) int64: indices of the keypoints of image 0 and of image 1, each at most once."""
    scores: np.ndarray
    """(M,) float32: confidence in [0, 1]."""


def to_numpy(value: Any) -> np.ndarray:
    """NumPy's view of an array, a torch tensor (any device) or a list."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    return np.asarray(value)


def _floats(name: str, value: Any, shape: Tuple[Any, ...]) -> np.ndarray:
    array = to_numpy(value)
    if array.dtype.kind not in "fiu":
        raise InputError(f"{name}: expected numbers, found dtype {array.dtype}")
    fits = array.ndim == len(shape) and all(w in (None, s) for s, w in zip(array.shape, shape))
    if not fits:
        wanted = ", ".join("any" if s is None else str(s) for s in shape)
        raise InputError(f"{name}: expected shape ({wanted}), found {array.shape}")
    array = np.ascontiguousarray(array, np.float32)
    if not np.isfinite(array).all():
        row = int(np.argwhere(~np.isfinite(array))[0][0])
        raise InputError(f"{name}: entry {row} is not finite; expected numbers without NaN and infinity")
    return array


def _image_size(value: Any, which: str) -> Tuple[int, int]:
    sides = [int(side) for side in to_numpy(value).reshape(-1)]
    if len(sides) != 2 or min(sides) < 1:
        raise InputError(f"{which}.image_size: expected (width, height) of at least 1 pixel, found {value}")
    return sides[0], sides[1]


def check_features(features: "Features | Mapping[str, Any]", which: str) -> Features:
    """Checked, as contiguous float32. Raises InputError naming `which`, the array, what was expected and found."""
    if isinstance(features, Mapping):
        features = features_from_dict(features, which)
    if not isinstance(features, Features):
        raise InputError(f"{which}: expected Features or a dictionary as hloc's, found {type(features).__name__}")
    keypoints = _floats(f"{which}.keypoints", features.keypoints, (None, 2))
    count = len(keypoints)
    size = _image_size(features.image_size, which)
    if features.quarter_turns not in (0, 1, 2, 3):
        raise InputError(f"{which}.quarter_turns: expected 0, 1, 2 or 3, found {features.quarter_turns}")
    return Features(
        keypoints=keypoints,
        scores=_floats(f"{which}.scores", features.scores, (count,)),
        descriptors=_floats(f"{which}.descriptors", features.descriptors, (count, None)),
        scales=_floats(f"{which}.scales", features.scales, (count,)),
        image_size=size,
        quarter_turns=features.quarter_turns,
    )


def features_from_dict(features: Mapping[str, Any], which: str = "features") -> Features:
    def get(name: str, *others: str, dimensions: int) -> np.ndarray:
        for key in (name, *others):
            if key in features:
                array = to_numpy(features[key][()] if hasattr(features[key], "id") else features[key])
                while array.ndim > dimensions and array.shape[0] == 1:
                    array = array[0]
                return array
        raise InputError(f"{which}: expected an entry {name}, found {', '.join(map(str, features)) or 'none'}")

    keypoints = get("keypoints", dimensions=2)
    descriptors = get("descriptors", dimensions=2)
    if descriptors.ndim != 2 or descriptors.shape[1] != len(keypoints):
        raise InputError(f"{which}: descriptors of a dictionary are (D, N) as hloc's; expected (any, {len(keypoints)}), "
                         f"found {descriptors.shape}")
    return Features(
        keypoints=keypoints,
        scores=get("scores", "keypoint_scores", dimensions=1),
        descriptors=descriptors.T,
        image_size=_image_size(get("image_size", dimensions=1), which),
    )


def check_image(image: Any) -> np.ndarray:
    """(H, W) or (H, W, 3), contiguous, uint8 or float32 in [0, 1]. Raises InputError."""
    array = to_numpy(image)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] != 3):
        hint = "; move the channels to the end" if array.ndim == 3 and array.shape[0] in (1, 3) else ""
        raise InputError(f"image: expected shape (height, width) or (height, width, 3), found {array.shape}{hint}")
    if 0 in array.shape:
        raise InputError(f"image: expected at least one pixel, found shape {array.shape}")
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    if array.dtype.kind != "f":
        raise InputError(f"image: expected uint8 or float, found dtype {array.dtype}")
    array = np.ascontiguousarray(array, np.float32)
    low, high = float(array.min()), float(array.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise InputError("image: expected numbers without NaN and infinity")
    if low < 0 or high > 1:
        raise InputError(f"image: expected float values in [0, 1], found [{low:g}, {high:g}]; divide by the largest "
                         "possible value, or pass uint8")
    return array
