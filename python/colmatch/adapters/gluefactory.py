"""glue-factory: `register()` adds the models `extractors.colmatch` and `matchers.colmatch` (for evaluation: they have no
loss; train with colmatch.torch)."""

from __future__ import annotations

from typing import Any, Dict, Tuple

import numpy as np

from .._loading import require_torch
from ..features import Features
from ..frontend import FeatureExtractor, FeatureMatcher
from .tensors import add_module, features_of, gray_images, host_module, match_tensors


def _features_of(data: Dict[str, Any], side: str, index: int) -> Tuple[Features, np.ndarray]:
    """Of an image of the batch, and their numbers there: rows that only fill the batch up have empty descriptors."""
    one = {f"keypoints{side}": data[f"keypoints{side}"] - 0.5, f"descriptors{side}": data[f"descriptors{side}"].transpose(1, 2),
           f"scores{side}": data[f"keypoint_scores{side}"]}
    view = data[f"view{side}"]
    size = "image_size" if "image_size" in view else "image"
    one[size + side] = view[size]
    features = features_of(one, side, index)
    kept = np.flatnonzero(features.descriptors.any(axis=1))
    return Features(features.keypoints[kept], features.scores[kept], features.descriptors[kept],
                    image_size=features.image_size), kept


def register() -> None:
    """Makes them known to gluefactory.models.get_model. Raises EnvironmentError where glue-factory is missing."""
    torch = require_torch()
    base: Any = host_module("gluefactory.models.base_model").BaseModel
    for package in ("gluefactory.models.extractors", "gluefactory.models.matchers"):
        host_module(package)

    class Extractor(base):
        """SuperPoint of colmatch."""

        default_conf = {"weights": "default", "max_num_keypoints": 2048, "trainable": False}
        required_data_keys = ["image"]

        def _init(self, conf):
            self.extractor = FeatureExtractor(conf.weights, max_num_features=conf.max_num_keypoints, max_image_size=0)
            self.are_weights_initialized = True

        def _forward(self, data):
            found = [self.extractor.extract(image) for image in gray_images(data["image"])]
            count = max(len(f) for f in found)
            device = data["image"].device

            def batch(arrays, fill=0.0):
                padded = [torch.cat([torch.from_numpy(a), torch.full((count - len(a), *a.shape[1:]), fill)]) for a in arrays]
                return torch.stack(padded).to(device)

            # glue-factory's first pixel's centre is (0.5, 0.5), and its descriptors are (B, N, D).
            return {"keypoints": batch([f.keypoints + 0.5 for f in found]), "descriptors": batch([f.descriptors for f in found]),
                    "keypoint_scores": batch([f.scores for f in found])}

        def loss(self, pred, data):
            raise NotImplementedError("train with colmatch.torch")

    class Matcher(base):
        """SuperGlue of colmatch."""

        default_conf = {"weights": "default", "filter_threshold": 0.2, "trainable": False}
        required_data_keys = ["keypoints0", "descriptors0", "keypoint_scores0",
                              "keypoints1", "descriptors1", "keypoint_scores1", "view0", "view1"]

        def _init(self, conf):
            self.matcher = FeatureMatcher(conf.weights, match_threshold=conf.filter_threshold)
            self.are_weights_initialized = True

        def _forward(self, data):
            found = []
            for i in range(len(data["keypoints0"])):
                pair, kept = zip(*(_features_of(data, side, i) for side in "01"))
                matches, scores = self.matcher.match(*pair)
                found.append((np.stack([kept[side][matches[:, side]] for side in (0, 1)], 1), scores))
            sizes = ([data[f"keypoints{side}"].shape[1]] * len(found) for side in "01")
            return match_tensors(found, *sizes, data["keypoints0"].device)

        def loss(self, pred, data):
            raise NotImplementedError("train with colmatch.torch")

    add_module("gluefactory.models.extractors.colmatch", Extractor)
    add_module("gluefactory.models.matchers.colmatch", Matcher)
