"""glue-factory: `register()` adds the models `extractors.colmatch` and `matchers.colmatch` (for evaluation: they have no
loss; train with colmatch.torch)."""

from __future__ import annotations

from .._loading import require_torch
from ..frontend import FeatureExtractor, FeatureMatcher
from .tensors import add_module, features_of, gray_images, host_module, match_tensors


def register() -> None:
    """Makes them known to gluefactory.models.get_model. Raises EnvironmentError where glue-factory is missing."""
    torch = require_torch()
    base = host_module("gluefactory.models.base_model").BaseModel
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
            found, counts = [], ([], [])
            for i in range(len(data["keypoints0"])):
                pair = []
                for side in "01":
                    one = {f"keypoints{side}": data[f"keypoints{side}"] - 0.5,
                           f"descriptors{side}": data[f"descriptors{side}"].transpose(1, 2),
                           f"scores{side}": data[f"keypoint_scores{side}"]}
                    view = data[f"view{side}"]
                    if "image_size" in view:
                        one[f"image_size{side}"] = view["image_size"]
                    else:
                        one[f"image{side}"] = view["image"]
                    pair.append(features_of(one, side, i))
                found.append(self.matcher.match(*pair))
                for side in (0, 1):
                    counts[side].append(len(pair[side]))
            return match_tensors(found, *counts, data["keypoints0"].device)

        def loss(self, pred, data):
            raise NotImplementedError("train with colmatch.torch")

    add_module("gluefactory.models.extractors.colmatch", Extractor)
    add_module("gluefactory.models.matchers.colmatch", Matcher)
