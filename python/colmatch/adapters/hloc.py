"""hloc: `register()` adds extractor and matcher `colmatch`, for confs such as

    {"output": "feats-colmatch", "model": {"name": "colmatch", "weights": "default"},
     "preprocessing": {"grayscale": True, "resize_max": 1600}}
    {"output": "matches-colmatch", "model": {"name": "colmatch", "weights": "default"}}

The other entries of `model` are options of FeatureExtractor and FeatureMatcher. hloc resizes the photos itself, so
`max_image_size` is 0 unless it is given.
"""

from __future__ import annotations

from typing import Any

from .._loading import require_torch
from ..frontend import FeatureExtractor, FeatureMatcher
from .tensors import add_module, features_of, gray_images, host_module, match_tensors


def _options(conf: dict) -> dict:
    return {key: value for key, value in conf.items() if key != "name"}


def register() -> None:
    """Makes `colmatch` a name of hloc's extractors and matchers. Raises EnvironmentError where hloc is missing."""
    torch = require_torch()
    base: Any = host_module("hloc.utils.base_model").BaseModel
    for package in ("hloc.extractors", "hloc.matchers"):
        host_module(package)

    class ColmatchExtractor(base):
        """SuperPoint of colmatch."""

        default_conf = {"weights": "default", "max_image_size": 0}
        required_inputs = ["image"]

        def _init(self, conf):
            self.extractor = FeatureExtractor(**_options(conf))

        def _forward(self, data):
            features = self.extractor.extract(gray_images(data["image"])[0]).as_dict()
            return {name: torch.from_numpy(features[name])[None] for name in ("keypoints", "scores", "descriptors")}

    class ColmatchMatcher(base):
        """SuperGlue of colmatch."""

        default_conf = {"weights": "default"}
        required_inputs = ["image0", "keypoints0", "scores0", "descriptors0",
                           "image1", "keypoints1", "scores1", "descriptors1"]

        def _init(self, conf):
            self.matcher = FeatureMatcher(**_options(conf))

        def _forward(self, data):
            # hloc's image_size is of the photo, as its keypoints are; image0 has that shape, too.
            pair = [features_of(data, side, 0) for side in "01"]
            found = self.matcher.match(*pair)
            return match_tensors([found], [len(pair[0])], [len(pair[1])], data["keypoints0"].device)

    add_module("hloc.extractors.colmatch", ColmatchExtractor)
    add_module("hloc.matchers.colmatch", ColmatchMatcher)
