"""Features of single images and matches of single pairs, with networks that are loaded once."""

from __future__ import annotations

import os
from typing import Any, Iterable, List, Mapping, Sequence, Tuple, Union

import numpy as np

from ._loading import native
from ._observer import Observer, Progress
from ._options import arguments, documentation
from .errors import InputError
from .features import Features, Matches, check_features, check_image

AnyFeatures = Union[Features, Mapping[str, Any]]


def _restore(result: Mapping[str, Any]) -> Features:
    arrays = {name: np.asarray(result[name]) for name in ("keypoints", "scores", "descriptors", "scales")}
    return Features(image_size=tuple(result["image_size"]), quarter_turns=result["quarter_turns"], **arrays)


class FeatureExtractor:
    """SuperPoint with loaded weights, for any number of images.

    Options are keywords with the program's names and defaults (`colmatch match --help`, groups left out):
    `weights="default"`, `max_num_features=2048`, `max_image_size=1600`, `keypoint_threshold=0.005`, `device="auto"`,
    `precision="auto"`, `num_threads=-1`, ...; `FeatureExtractor.options()` lists all. The features are, bit for bit, those
    of `colmatch match` and `colmatch feature_extractor` with the same options.

    Threads may share an object; one at a time computes. Raises UsageError, WeightsError, EnvironmentError.
    """

    def __init__(self, weights: "str | os.PathLike" = "default", **options: Any):
        self._session = native().ExtractorSession(arguments("FeatureExtractor", {"weights": weights, **options}))

    @staticmethod
    def options() -> str:
        """All options with types, defaults and meanings."""
        return documentation("FeatureExtractor")

    @property
    def descriptor_dim(self) -> int:
        """Channels of a descriptor, D."""
        return self._session.info()["descriptor_dim"]

    @property
    def info(self) -> dict:
        """`device`, `precision`, `weights_sha256` and `descriptor_dim` in use."""
        return self._session.info()

    def extract(self, image: Any) -> Features:
        """Features of one image.

        image: a path; or an array (H, W) or (H, W, 3) (RGB), uint8 or float in [0, 1]; torch tensors are taken. Of a
        path, the network sees the photo upright by its EXIF (option `upright`). Raises InputError for what cannot be
        used, and EnvironmentError where a GPU is lost.
        """
        if isinstance(image, (str, bytes, os.PathLike)):
            return _restore(self._session.extract_file(os.fsencode(image)))
        return _restore(self._session.extract_pixels(check_image(image)))


class FeatureMatcher:
    """SuperGlue, or a baseline, with loaded weights, for any number of pairs.

    Options are keywords with the program's names and defaults: `weights="default"`, `matcher="superglue"`,
    `match_threshold=0.2`, `device="auto"`, `precision="auto"`, `num_threads=-1`, ...; `FeatureMatcher.options()` lists
    all. The matches are, bit for bit, those of `colmatch match` with the same options.

    Threads may share an object; one at a time computes. Raises UsageError, WeightsError, EnvironmentError.
    """

    def __init__(self, weights: "str | os.PathLike" = "default", **options: Any):
        self._session = native().MatcherSession(arguments("FeatureMatcher", {"weights": weights, **options}))
        self._dim = self._session.info()["descriptor_dim"]

    @staticmethod
    def options() -> str:
        """All options with types, defaults and meanings."""
        return documentation("FeatureMatcher")

    @property
    def info(self) -> dict:
        """`device`, `precision`, `weights_sha256` and `descriptor_dim` in use (0: any)."""
        return self._session.info()

    def match(self, features0: AnyFeatures, features1: AnyFeatures) -> Matches:
        """Matches of two images' features: `matches` (M, 2) int64 and `scores` (M,) float32.

        Features, or dictionaries as hloc's (descriptors (D, N)). Raises InputError for arrays of other shapes, of numbers
        that are not finite, or of another network, and EnvironmentError where memory is short.
        """
        both = [self._native(features0, "features0"), self._native(features1, "features1")]
        self._require_same_dim(both)
        return self._restore(self._session.match(both[0][0], both[1][0]))

    def match_pairs(
        self,
        features: Sequence[AnyFeatures],
        pairs: Iterable[Tuple[int, int]],
        progress: Progress = None,
    ) -> List[Matches]:
        """Matches of many pairs, on the CPU in as many threads as num_threads says: one thread a pair.

        pairs: indices into `features`. progress: True, False, None (where somebody sees it), or a function of
        (label, done, total). Ctrl-C ends it within a pair's time, as KeyboardInterrupt. Raises what `match` raises.
        """
        inputs = [self._native(f, f"features[{i}]") for i, f in enumerate(features)]
        self._require_same_dim(inputs)
        indices = []
        for pair in pairs:
            index0, index1 = (int(i) for i in pair)
            if not (0 <= index0 < len(inputs) and 0 <= index1 < len(inputs)):
                raise InputError(f"pair {tuple(pair)}: expected indices of {len(inputs)} features, 0 to {len(inputs) - 1}")
            indices.append((index0, index1))
        with Observer(progress) as observer:
            found = self._session.match_pairs([f for f, _ in inputs], indices, observer)
        return [self._restore(matches) for matches in found]

    def _native(self, features: AnyFeatures, which: str):
        checked = check_features(features, which)
        dim = checked.descriptors.shape[1]
        if self._dim and len(checked) and dim != self._dim:
            raise InputError(f"{which}.descriptors: expected {self._dim} channels, which the matcher's weights take, found "
                             f"{dim}: extract and match with the same weights")
        if not len(checked):
            checked.descriptors = np.zeros((0, self._dim or dim), np.float32)
        arrays = (checked.keypoints, checked.scores, checked.descriptors, checked.scales)
        return native().FeatureArrays(*arrays, *checked.image_size, checked.quarter_turns), checked

    @staticmethod
    def _require_same_dim(inputs) -> None:
        dims = {f.descriptors.shape[1] for _, f in inputs if len(f)}
        if len(dims) > 1:
            raise InputError(f"descriptors of one pair have different numbers of channels: {sorted(dims)}; expected "
                             "features of one network")

    @staticmethod
    def _restore(result) -> Matches:
        return Matches(np.asarray(result[0]), np.asarray(result[1]))
