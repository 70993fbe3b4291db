"""deep-image-matching: classes on its ExtractorBase and MatcherBase. `register()` adds them as the modules
`deep_image_matching.extractors.colmatch` and `deep_image_matching.matchers.colmatch`, which its loaders find by name, and the
pipeline `colmatch`."""

from __future__ import annotations

from typing import Any, List

import numpy as np

from ..frontend import FeatureExtractor, FeatureMatcher
from ..features import Features
from .tensors import add_module, host_module


def _options(config: dict) -> dict:
    return {key: value for key, value in config.items() if key != "name"}


def extractor_class() -> type:
    """A subclass of ExtractorBase. The options are those of FeatureExtractor."""
    base: Any = host_module("deep_image_matching.extractors.extractor_base").ExtractorBase

    class ColmatchExtractor(base):
        """SuperPoint of colmatch."""

        _default_conf = {"name": "colmatch", "weights": "default", "max_image_size": 0}
        required_inputs = ["image"]
        grayscale = True
        as_float = True
        features_as_half = False

        def __init__(self, config):
            super().__init__(config)
            self._extractor = FeatureExtractor(**_options(self.config["extractor"]))
            self.descriptor_size = self._extractor.descriptor_dim

        def _extract(self, image: np.ndarray) -> dict:
            # The host's floats are in [0, 255], and resizing with cubic interpolation overshoots.
            found = self._extractor.extract(np.clip(image, 0, 255).round().astype(np.uint8)).as_dict()
            return {name: found[name] for name in ("keypoints", "descriptors", "scores")}

        def _frame2tensor(self, image: np.ndarray, device: str = "cpu") -> np.ndarray:
            return image  # asked for by the base class; extract() takes arrays

    return ColmatchExtractor


def matcher_class() -> type:
    """A subclass of MatcherBase. The options are those of FeatureMatcher."""
    base: Any = host_module("deep_image_matching.matchers.matcher_base").MatcherBase

    class ColmatchMatcher(base):
        """SuperGlue of colmatch."""

        _default_conf = {"name": "colmatch", "weights": "default"}
        required_inputs: List[str] = []
        min_matches = 20
        max_feat_no_tiling = 100000

        def __init__(self, config):
            super().__init__(config)
            self._matcher = FeatureMatcher(**_options(self.config["matcher"]))

        def _match_pairs(self, feats0: dict, feats1: dict) -> np.ndarray:
            return self._matcher.match(*(self._features(feats) for feats in (feats0, feats1))).matches

        @staticmethod
        def _features(feats: dict) -> Features:
            height, width = (int(side) for side in np.asarray(feats["image_size"]).reshape(-1)[:2])  # the host's order
            return Features(feats["keypoints"], feats["scores"], np.asarray(feats["descriptors"]).T, image_size=(width, height))

    return ColmatchMatcher


def register(weights: str = "default", max_num_features: int = 2048) -> None:
    """Makes `colmatch` a name of the host's extractors, matchers and pipelines (`Config({"pipeline": "colmatch", ...})`; a
    config file may give any option of FeatureExtractor and FeatureMatcher). Raises EnvironmentError where it is missing."""
    for package in ("deep_image_matching.extractors", "deep_image_matching.matchers"):
        host_module(package)
    config = host_module("deep_image_matching.config")
    for kind in ("extractors", "matchers"):
        if "colmatch" not in config.opt_zoo[kind]:
            config.opt_zoo[kind].append("colmatch")
    config.confs["colmatch"] = {
        "extractor": {"name": "colmatch", "weights": weights, "max_num_features": max_num_features, "max_image_size": 0},
        "matcher": {"name": "colmatch", "weights": weights},
    }
    add_module("deep_image_matching.extractors.colmatch", extractor_class())
    add_module("deep_image_matching.matchers.colmatch", matcher_class())
