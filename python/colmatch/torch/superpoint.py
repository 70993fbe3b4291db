"""SuperPoint (DeTone, Malisiewicz, Rabinovich, CVPRW 2018) as a torch module of any width."""

from __future__ import annotations

import math
from typing import Any, Dict, Sequence, Tuple

import torch
from torch import nn
from torch.nn import functional as F

from ..errors import InputError, WeightsError
from . import keypoints as kp
from .modules import WeightsModule, output_width


class SuperPoint(WeightsModule):
    """A grey image to dense detection scores and dense descriptors.

    Parameters have the official checkpoint's names. encoder_widths: of conv1 to conv4; head_width: of both heads;
    descriptor_dim: D; cell_centres: read descriptors at the middles of the cells (our training) or as published;
    scales: sizes at which `extract` processes an image, factors of its own; refinement_radius: pixels within which keypoints are
    refined (0: they stay); refinement: "hessian" (to the strongest peak of the image's Hessian) or "scores" (to the mean
    position of the scores); pooled_descriptors: `extract` gives the mean of the descriptors of all scales; place_radius: pixels of the image within which several scales find one place, of which the
    strongest keypoint stays (0: all stay).
    """

    network = "superpoint"

    def __init__(self, encoder_widths: Sequence[int] = (64, 64, 128, 128), head_width: int = 256,
                 descriptor_dim: int = 256, cell_centres: bool = False, scales: Sequence[float] = (1.0,),
                 refinement_radius: int = 0, place_radius: float = 0.0, refinement: str = "hessian",
                 pooled_descriptors: bool = False):
        super().__init__()
        self.encoder_widths, self.head_width = tuple(encoder_widths), head_width
        self.descriptor_dim, self.cell_centres, self.scales = descriptor_dim, cell_centres, tuple(scales)
        self.refinement_radius, self.place_radius, self.refinement = refinement_radius, place_radius, refinement
        self.pooled_descriptors = pooled_descriptors
        width = 1
        for i, out in enumerate(encoder_widths, 1):
            setattr(self, f"conv{i}a", nn.Conv2d(width, out, 3, padding=1))
            setattr(self, f"conv{i}b", nn.Conv2d(out, out, 3, padding=1))
            width = out
        self.convPa = nn.Conv2d(width, head_width, 3, padding=1)
        self.convPb = nn.Conv2d(head_width, kp.CELL ** 2 + 1, 1)
        self.convDa = nn.Conv2d(width, head_width, 3, padding=1)
        self.convDb = nn.Conv2d(head_width, descriptor_dim, 1)

    def forward(self, image) -> Dict[str, Any]:
        """image (B, 1, H, W) float in [0, 1], sides at least 8 pixels. Returns `logits` (B, 65, H/8, W/8; channel 64 is "no
        keypoint"), `scores` (B, 8 (H/8), 8 (W/8)) and `descriptors` (B, D, H/8, W/8), unit length along D."""
        if image.dim() != 4 or image.shape[1] != 1 or min(image.shape[2:]) < kp.CELL:
            raise InputError(f"SuperPoint: image must be (B, 1, H, W) with sides of at least 8 pixels, found "
                             f"{tuple(image.shape)}")
        x = image
        for i in range(1, 5):
            x = F.relu(getattr(self, f"conv{i}a")(x))
            x = F.relu(getattr(self, f"conv{i}b")(x))
            if i < 4:
                x = F.max_pool2d(x, 2)
        logits = self.convPb(F.relu(self.convPa(x)))
        descriptors = F.normalize(self.convDb(F.relu(self.convDa(x))), p=2.0, dim=1)
        return {"logits": logits, "scores": kp.scores_from_logits(logits), "descriptors": descriptors}

    def sample(self, keypoints, dense):
        """Descriptors (B, D, N) of keypoints (B, N, 2) in pixels, from forward's `descriptors`. Differentiable in them."""
        return kp.sample_descriptors(keypoints, dense, self.cell_centres)

    @torch.no_grad()
    def extract(self, image, max_num_features: int = 2048, keypoint_threshold: float = 0.005, nms_radius: int = 4,
                remove_borders: int = 4, refinement_radius: "int | None" = None, scales: "Sequence[float] | None" = None,
                place_radius: "float | None" = None) -> Dict[str, Any]:
        """Features of one image (1, 1, H, W) or (H, W), float in [0, 1], with the program's options and defaults (but
        max_image_size: nothing is resized; None is what the weights say). Returns `keypoints` (N, 2) in pixels, `scores` (N,), `descriptors` (D, N),
        `scales` (N,) and `image_size` (width, height)."""
        image = image[None, None] if image.dim() == 2 else image
        radius = self.refinement_radius if refinement_radius is None else refinement_radius
        levels, dense = [], []
        for scale in scales or self.scales:
            level, scale_x, scale_y = kp.pyramid_level(image, scale)
            if min(level.shape[2:]) < kp.CELL:
                continue
            border = math.ceil(remove_borders / min(1.0, scale_x, scale_y))
            options = (keypoint_threshold, nms_radius, border, max_num_features)
            output = self(level)
            levels.append(self._extract_level(level, output, scale_x, scale_y, options, radius))
            dense.append((output["descriptors"], scale_x, scale_y))
        height, width = image.shape[2:]
        keypoints, values, descriptors, at_scales = self._join(levels, image)
        place = self.place_radius if place_radius is None else place_radius
        kept = kp.one_per_place(keypoints, values, place, max_num_features)
        keypoints, values, descriptors, at_scales = keypoints[kept], values[kept], descriptors[:, kept], at_scales[kept]
        if self.pooled_descriptors and len(scales or self.scales) > 1 and len(keypoints):
            descriptors = self._pool(dense, keypoints)
        return {"keypoints": keypoints, "scores": values, "descriptors": descriptors, "scales": at_scales,
                "image_size": (width, height)}

    def _join(self, levels, image) -> Tuple:
        if not levels:
            return image.new_zeros(0, 2), image.new_zeros(0), image.new_zeros(self.descriptor_dim, 0), image.new_zeros(0)
        xy, values, descriptors, at_scales = zip(*levels)
        return torch.cat(xy), torch.cat(values), torch.cat(descriptors, 1), torch.cat(at_scales)

    def _pool(self, dense, keypoints):
        """The mean, unit length, of the descriptors that all levels have at keypoints (N, 2) of the image: (D, N)."""
        total = 0
        for descriptors, scale_x, scale_y in dense:
            xy = (keypoints + 0.5) / keypoints.new_tensor([scale_x, scale_y]) - 0.5
            total = total + self.sample(xy[None], descriptors)[0]
        return F.normalize(total, dim=0)

    def _extract_level(self, level, output: Dict[str, Any], scale_x: float, scale_y: float,
                       options: Tuple[float, int, int, int], refinement_radius: int) -> Tuple:
        response = kp.hessian_response(level) if refinement_radius > 0 and self.refinement == "hessian" else None
        xy, values = kp.select_keypoints(output["scores"][0], *options, response, refinement_radius)
        if len(xy):
            descriptors = self.sample(xy[None], output["descriptors"])[0]
        else:
            descriptors = level.new_zeros(self.descriptor_dim, 0)
        if (scale_x, scale_y) != (1.0, 1.0):
            xy = (xy + 0.5) * xy.new_tensor([scale_x, scale_y]) - 0.5
        return xy, values, descriptors, torch.full_like(values, math.sqrt(scale_x * scale_y))

    def architecture_metadata(self) -> Dict[str, str]:
        metadata = {
            "architecture": self.network, "format_version": "1",
            "encoder_widths": ",".join(map(str, self.encoder_widths)), "head_width": str(self.head_width),
            "descriptor_dim": str(self.descriptor_dim),
            "descriptor_sampling": "cell_centres" if self.cell_centres else "published",
            "refinement_radius": str(self.refinement_radius),
        }
        if self.pooled_descriptors:
            metadata["descriptor_pooling"] = "scales"
        if self.refinement != "hessian":
            metadata["refinement"] = self.refinement
        if self.place_radius:
            metadata["place_radius"] = f"{self.place_radius:g}"
        if self.scales != (1.0,):
            metadata["scales"] = ",".join(f"{scale:g}" for scale in self.scales)
        return metadata

    @classmethod
    def _build(cls, tensors: Dict[str, Any], metadata: Dict[str, str], path: Any) -> "SuperPoint":
        widths = [output_width(tensors, f"conv{i}a", 4, path) for i in range(1, 5)]
        sampling = cls._choice(metadata, "descriptor_sampling", ("published", "cell_centres"), path)
        try:
            scales = [float(scale) for scale in metadata.get("scales", "1").split(",")]
        except ValueError:
            raise WeightsError(f"{path}: metadata 'scales' is '{metadata['scales']}', expected numbers with commas between "
                               "them") from None
        return cls(widths, output_width(tensors, "convPa", 4, path), output_width(tensors, "convDb", 4, path),
                   sampling == "cell_centres", scales, cls._refinement_radius(metadata, path), cls._place_radius(metadata, path),
                   cls._choice(metadata, "refinement", ("hessian", "scores"), path),
                   cls._choice(metadata, "descriptor_pooling", ("none", "scales"), path) == "scales")

    @staticmethod
    def _refinement_radius(metadata: Dict[str, str], path: Any) -> int:
        if "refinement_radius" not in metadata:  # files of colmatch from before the key mean 4, others 0
            return 4 if metadata.get("trained_by", "").startswith("colmatch") else 0
        text = metadata["refinement_radius"]
        if not text.isdigit() or int(text) > 16:
            raise WeightsError(f"{path}: metadata 'refinement_radius' is '{text}', expected a whole number in [0, 16]")
        return int(text)

    @staticmethod
    def _choice(metadata: Dict[str, str], key: str, choices: Tuple[str, str], path: Any) -> str:
        """What the metadata say, the first of the choices where they do not say."""
        text = metadata.get(key, choices[0])
        if text not in choices:
            raise WeightsError(f"{path}: metadata '{key}' is '{text}', expected {choices[0]} or {choices[1]}")
        return text

    @staticmethod
    def _place_radius(metadata: Dict[str, str], path: Any) -> float:
        text = metadata.get("place_radius", "0")
        try:
            radius = float(text)
        except ValueError:
            radius = -1.0
        if not 0 <= radius <= 64:
            raise WeightsError(f"{path}: metadata 'place_radius' is '{text}', expected pixels in [0, 64]")
        return radius
