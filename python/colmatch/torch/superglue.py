"""SuperGlue (Sarlin, DeTone, Malisiewicz, Rabinovich, CVPR 2020) as a torch module of any width and depth."""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import Any, Dict, List, Sequence

import torch
from torch import nn

from ..errors import InputError, WeightsError
from .modules import WeightsModule, count_from, output_width


def normalize_keypoints(keypoints, width: float, height: float):
    """(..., 2) pixels to about [-0.7, 0.7]: centred, over 0.7 times the longer side, as published."""
    return (keypoints - keypoints.new_tensor([width / 2, height / 2])) / (0.7 * max(width, height))


def log_sinkhorn(scores, bin_score, iterations: int):
    """(B, N, M) scores to the log assignment (B, N+1, M+1), times N + M, by optimal transport with a dustbin (section 3.2).
    N and M at least 1. Differentiable."""
    b, n, m = scores.shape
    couplings = torch.cat([torch.cat([scores, bin_score.expand(b, n, 1)], 2), bin_score.expand(b, 1, m + 1)], 1)
    norm = -math.log(n + m)
    log_mu = torch.cat([scores.new_full((n,), norm), scores.new_tensor([norm + math.log(m)])])
    log_nu = torch.cat([scores.new_full((m,), norm), scores.new_tensor([norm + math.log(n)])])
    u, v = scores.new_zeros(b, n + 1), scores.new_zeros(b, m + 1)
    for _ in range(iterations):
        u = log_mu - torch.logsumexp(couplings + v[:, None], 2)
        v = log_nu - torch.logsumexp(couplings + u[:, :, None], 1)
    return couplings + u[:, :, None] + v[:, None] - norm


def matches_from_log_assignment(log_assignment, threshold: float) -> Dict[str, Any]:
    """Mutual maxima of the assignment (B, N+1, M+1) above the threshold; unmatched is -1."""
    inner = log_assignment[:, :-1, :-1]
    max0, max1 = inner.max(2), inner.max(1)
    rows = torch.arange(inner.shape[1], device=inner.device)[None]
    columns = torch.arange(inner.shape[2], device=inner.device)[None]
    mutual0 = rows == max1.indices.gather(1, max0.indices)
    mutual1 = columns == max0.indices.gather(1, max1.indices)
    zero = inner.new_zeros(())
    scores0 = torch.where(mutual0, max0.values.exp(), zero)
    scores1 = torch.where(mutual1, scores0.gather(1, max1.indices), zero)
    valid0 = mutual0 & (scores0 > threshold)
    valid1 = mutual1 & valid0.gather(1, max1.indices)
    none = max0.indices.new_tensor(-1)
    return {"matches0": torch.where(valid0, max0.indices, none), "matches1": torch.where(valid1, max1.indices, none),
            "matching_scores0": scores0, "matching_scores1": scores1}


def _mlp(widths: Sequence[int], batch_norm: bool) -> nn.Sequential:
    """Children numbered as in the official nn.Sequential; without batch normalisation its numbers are left out."""
    children: "OrderedDict[str, nn.Module]" = OrderedDict()
    for i in range(len(widths) - 1):
        layer = nn.Conv1d(widths[i], widths[i + 1], 1)
        children[str(3 * i)] = layer
        if i < len(widths) - 2:
            if batch_norm:
                children[str(3 * i + 1)] = nn.BatchNorm1d(widths[i + 1])
            children[str(3 * i + 2)] = nn.ReLU()
    assert layer.bias is not None  # for type checkers
    nn.init.zeros_(layer.bias)  # the last layer's
    return nn.Sequential(children)


class KeypointEncoder(nn.Module):
    def __init__(self, widths: Sequence[int], dim: int, batch_norm: bool):
        super().__init__()
        self.encoder = _mlp([3, *widths, dim], batch_norm)

    def forward(self, keypoints, scores):
        return self.encoder(torch.cat([keypoints.transpose(1, 2), scores[:, None]], 1))


class MultiHeadedAttention(nn.Module):
    def __init__(self, dim: int, attention_dim: int, num_heads: int):
        super().__init__()
        self.num_heads = num_heads
        self.merge = nn.Conv1d(attention_dim, dim, 1)
        self.proj = nn.ModuleList([nn.Conv1d(dim, attention_dim, 1) for _ in range(3)])

    def forward(self, x, source):
        # Channel c belongs to head c mod num_heads: (B, C, N) to (B, C / heads, heads, N).
        query, key, value = (layer(y).unflatten(1, (-1, self.num_heads))
                             for layer, y in zip(self.proj, (x, source, source)))
        weights = torch.softmax(torch.einsum("bdhn,bdhm->bhnm", query, key) / math.sqrt(query.shape[1]), -1)
        return self.merge(torch.einsum("bhnm,bdhm->bdhn", weights, value).flatten(1, 2))


class AttentionalPropagation(nn.Module):
    def __init__(self, dim: int, attention_dim: int, mlp_hidden: int, num_heads: int, batch_norm: bool):
        super().__init__()
        self.attn = MultiHeadedAttention(dim, attention_dim, num_heads)
        self.mlp = _mlp([2 * dim, mlp_hidden, dim], batch_norm)

    def forward(self, x, source):
        return self.mlp(torch.cat([x, self.attn(x, source)], 1))


class AttentionalGNN(nn.Module):
    def __init__(self, layers: List[AttentionalPropagation]):
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def layer(self, index: int, desc0, desc1):
        """One layer on both images, residual added; even layers are self-, odd ones cross-attention."""
        layer, cross = self.layers[index], index % 2 == 1
        delta0 = layer(desc0, desc1 if cross else desc0)
        delta1 = layer(desc1, desc0 if cross else desc1)
        return desc0 + delta0, desc1 + delta1


class SuperGlue(WeightsModule):
    """Two sets of features to a partial assignment.

    Parameters have the official checkpoint's names. descriptor_dim: D; keypoint_encoder: its hidden widths;
    num_layer_pairs: pairs of one self and one cross layer; attention_dim and mlp_hidden: 0 is D and 2 D, as published;
    batch_norm: False where it is folded into the layers; fixed_keypoint_code: the encoder's hidden layers are not trained.
    sinkhorn_iterations and guidance_rounds are what the weights specify; guidance is the program's FeatureMatcher's and not
    part of this module.
    """

    network = "superglue"

    def __init__(self, descriptor_dim: int = 256, keypoint_encoder: Sequence[int] = (32, 64, 128, 256),
                 num_layer_pairs: int = 9, num_heads: int = 4, attention_dim: int = 0, mlp_hidden: int = 0,
                 batch_norm: bool = True, fixed_keypoint_code: bool = False, sinkhorn_iterations: int = 100,
                 guidance_rounds: int = 0):
        super().__init__()
        self.descriptor_dim, self.keypoint_encoder = descriptor_dim, tuple(keypoint_encoder)
        self.num_layer_pairs, self.num_heads = num_layer_pairs, num_heads
        self.attention_dim, self.mlp_hidden, self.batch_norm = attention_dim, mlp_hidden, batch_norm
        self.fixed_keypoint_code = fixed_keypoint_code
        self.sinkhorn_iterations, self.guidance_rounds = sinkhorn_iterations, guidance_rounds
        attention, hidden = attention_dim or descriptor_dim, mlp_hidden or 2 * descriptor_dim
        if attention % num_heads:
            raise WeightsError(f"attention_dim must be a multiple of num_heads = {num_heads}, found {attention}")
        self.kenc = KeypointEncoder(keypoint_encoder, descriptor_dim, batch_norm)
        self.gnn = AttentionalGNN([AttentionalPropagation(descriptor_dim, attention, hidden, num_heads, batch_norm)
                                   for _ in range(2 * num_layer_pairs)])
        self.final_proj = nn.Conv1d(descriptor_dim, descriptor_dim, 1)
        self.bin_score = nn.Parameter(torch.tensor(1.0))
        if fixed_keypoint_code:
            for name, child in self.kenc.encoder.named_children():
                if int(name) < 3 * len(self.keypoint_encoder):
                    child.requires_grad_(False)

    def train(self, mode: bool = True) -> "SuperGlue":
        """As torch's; a fixed keypoint code computes the same in training."""
        super().train(mode)
        if self.fixed_keypoint_code:
            for child in self.kenc.encoder:
                if isinstance(child, nn.BatchNorm1d):
                    child.eval()
        return self

    def encode(self, keypoints, scores, descriptors):
        """Normalised keypoints (B, N, 2), scores (B, N), descriptors (B, D, N): descriptors + keypoint encoding."""
        if descriptors.dim() != 3 or descriptors.shape[1] != self.descriptor_dim:
            raise InputError(f"SuperGlue: descriptors must be (B, {self.descriptor_dim}, N), found "
                             f"{tuple(descriptors.shape)}: these weights do not belong to this SuperPoint")
        return descriptors + self.kenc(keypoints, scores)

    def couplings(self, desc0, desc1):
        """(B, N, M) scores of the final projections, over sqrt(D) (equation 7)."""
        return torch.einsum("bdn,bdm->bnm", self.final_proj(desc0), self.final_proj(desc1)) / math.sqrt(self.descriptor_dim)

    def forward(self, data: Dict[str, Any], match_threshold: float = 0.2, sinkhorn_iterations: int = 0) -> Dict[str, Any]:
        """data, as the official class has it: `keypoints0`, `keypoints1` (B, N, 2) in pixels, `scores0`, `scores1` (B, N),
        `descriptors0`, `descriptors1` (B, D, N), and `image_size0`, `image_size1` (width, height) or `image0`, `image1`
        (..., H, W). N and M at least 1. sinkhorn_iterations: 0 for what the weights specify.

        Returns `scores` (B, N, M), `log_assignment` (B, N+1, M+1), `matches0` (B, N), `matches1`, `matching_scores0`,
        `matching_scores1`. Differentiable but for the matches."""
        described = []
        for side in "01":
            keypoints = data[f"keypoints{side}"]
            width, height = self._size(data, side)
            described.append(self.encode(normalize_keypoints(keypoints, width, height), data[f"scores{side}"],
                                         data[f"descriptors{side}"]))
        desc0, desc1 = described
        for index in range(len(self.gnn.layers)):
            desc0, desc1 = self.gnn.layer(index, desc0, desc1)
        scores = self.couplings(desc0, desc1)
        log_assignment = log_sinkhorn(scores, self.bin_score, sinkhorn_iterations or self.sinkhorn_iterations)
        return {"scores": scores, "log_assignment": log_assignment,
                **matches_from_log_assignment(log_assignment.detach(), match_threshold)}

    @staticmethod
    def _size(data: Dict[str, Any], side: str):
        if f"image_size{side}" in data:
            size = data[f"image_size{side}"]
            size = size.reshape(-1).tolist() if hasattr(size, "reshape") else list(size)
            return float(size[0]), float(size[1])
        if f"image{side}" in data:
            return float(data[f"image{side}"].shape[-1]), float(data[f"image{side}"].shape[-2])
        raise InputError(f"SuperGlue: expected image_size{side} or image{side}, found {', '.join(data)}")

    def architecture_metadata(self) -> Dict[str, str]:
        metadata = {
            "architecture": self.network, "format_version": "1", "descriptor_dim": str(self.descriptor_dim),
            "keypoint_encoder": ",".join(map(str, self.keypoint_encoder)), "num_layer_pairs": str(self.num_layer_pairs),
        }
        unusual = {"num_heads": (self.num_heads, 4), "sinkhorn_iterations": (self.sinkhorn_iterations, 100),
                   "guidance_rounds": (self.guidance_rounds, 0), "attention_dim": (self.attention_dim, 0),
                   "mlp_hidden": (self.mlp_hidden, 0)}
        metadata.update({key: str(value) for key, (value, usual) in unusual.items() if value != usual})
        if not self.batch_norm:
            metadata["batch_norm"] = "folded"
        if self.fixed_keypoint_code:
            metadata["keypoint_code"] = "fixed"
        return metadata

    @classmethod
    def _build(cls, tensors: Dict[str, Any], metadata: Dict[str, str], path: Any) -> "SuperGlue":
        dim = output_width(tensors, "final_proj", 3, path)
        widths: List[int] = []
        while f"kenc.encoder.{3 * len(widths) + 3}.weight" in tensors:
            widths.append(output_width(tensors, f"kenc.encoder.{3 * len(widths)}", 3, path))
        num_layers = 0
        while f"gnn.layers.{num_layers}.attn.merge.weight" in tensors:
            num_layers += 1
        if num_layers % 2:
            raise WeightsError(f"{path}: has {num_layers} attention layers, expected pairs of one self and one cross layer")
        attention = output_width(tensors, "gnn.layers.0.attn.proj.0", 3, path) if num_layers else dim
        hidden = output_width(tensors, "gnn.layers.0.mlp.0", 3, path) if num_layers else 2 * dim
        norms = ("kenc.encoder.1.weight", "gnn.layers.0.mlp.1.weight")
        code = metadata.get("keypoint_code")
        if code not in (None, "fixed"):
            raise WeightsError(f"{path}: metadata 'keypoint_code' is '{code}', expected fixed")
        return cls(
            dim, widths, num_layers // 2, count_from(metadata, "num_heads", 4, path),
            attention if attention != dim else 0, hidden if hidden != 2 * dim else 0,
            batch_norm=not (num_layers or widths) or any(name in tensors for name in norms),
            fixed_keypoint_code=code == "fixed",
            sinkhorn_iterations=count_from(metadata, "sinkhorn_iterations", 100, path),
            guidance_rounds=count_from(metadata, "guidance_rounds", 1, path) if "guidance_rounds" in metadata else 0)
