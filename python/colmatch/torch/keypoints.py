"""From dense scores to keypoints and descriptors: network/keypoints.cc, network/hessian_response.cc and
network/image_pyramid.cc in Python. Nothing here has parameters."""

from __future__ import annotations

import math
from typing import Dict, List, Tuple

import torch
from torch.nn import functional as F

CELL = 8
_FIRST_CENTRE = (CELL - 1) / 2  # pixels: the middle of the first cell


def scores_from_logits(logits):
    """(B, 65, h, w) to (B, 8h, 8w): softmax over the cell, "no keypoint" dropped, cells unfolded."""
    return F.pixel_shuffle(torch.softmax(logits, 1)[:, :CELL * CELL], CELL).squeeze(1)


def _window_maximum(x, radius: int):
    return F.max_pool2d(x.unsqueeze(1), 2 * radius + 1, 1, radius).squeeze(1)


def non_maximum_suppression(scores, radius: int):
    """(B, H, W) with everything that is not the maximum of its window set to 0; two rounds of recovery, as published."""
    zeros = torch.zeros_like(scores)
    is_max = scores == _window_maximum(scores, radius)
    for _ in range(2):
        suppressed = _window_maximum(is_max.float(), radius) > 0
        remaining = torch.where(suppressed, zeros, scores)
        is_max = is_max | ((remaining == _window_maximum(remaining, radius)) & ~suppressed)
    return torch.where(is_max, scores, zeros)


def hessian_response(image):
    """(1, 1, H, W) to (H, W): |determinant of the Hessian| of the image smoothed by 1.5 pixels."""
    kernel = torch.exp(-0.5 * torch.arange(-5, 6, dtype=torch.float32, device=image.device) ** 2 / 1.5 ** 2)
    kernel = kernel / kernel.sum()
    padded = F.pad(image, (5, 5, 5, 5), mode="replicate")
    smooth = F.conv2d(F.conv2d(padded, kernel.view(1, 1, 1, -1)), kernel.view(1, 1, -1, 1))
    p = F.pad(smooth, (1, 1, 1, 1), mode="replicate")[0, 0]
    here = p[1:-1, 1:-1]
    dxx = p[1:-1, :-2] + p[1:-1, 2:] - 2 * here
    dyy = p[:-2, 1:-1] + p[2:, 1:-1] - 2 * here
    dxy = 0.25 * (p[2:, 2:] + p[:-2, :-2] - p[2:, :-2] - p[:-2, 2:])
    return (dxx * dyy - dxy ** 2).abs()


def _refine_to_parabola(xy, response):
    height, width = response.shape
    x, y = xy.long().unbind(1)
    inside = (x >= 1) & (y >= 1) & (x <= width - 2) & (y <= height - 2)

    def at(dx: int, dy: int):
        return response[(y + dy).clamp(0, height - 1), (x + dx).clamp(0, width - 1)]

    peak = at(0, 0)

    def offset(before, after):
        curvature = before - 2 * peak + after
        top = (0.5 * (before - after) / curvature.clamp(max=-1e-20)).clamp(-0.5, 0.5)
        return torch.where((curvature < 0) & inside, top, torch.zeros_like(top))

    return xy + torch.stack([offset(at(-1, 0), at(1, 0)), offset(at(0, -1), at(0, 1))], 1)


def move_to_peaks(xy, response, radius: int, border: int):
    """Keypoints (N, 2) to the strongest peak of the response within `radius` pixels; one without a peak stays."""
    if len(xy) == 0:
        return xy
    largest = F.max_pool2d(response[None], 3, 1, 1)[0]
    peaks = torch.where(response == largest, response, torch.zeros_like(response))
    height, width = response.shape
    margin, side = radius + border, 2 * radius + 1
    padded = F.pad(peaks[border:height - border, border:width - border], (margin,) * 4)
    start, steps = xy.long(), torch.arange(side, device=xy.device)
    rows = start[:, 1].view(-1, 1, 1) + steps.view(1, side, 1)
    columns = start[:, 0].view(-1, 1, 1) + steps.view(1, 1, side)
    peak, best = padded[rows, columns].flatten(1).max(1)
    offset = torch.stack([best % side, best // side], 1) - radius
    moved = _refine_to_parabola(xy + offset, response)
    return torch.where((peak > 0)[:, None], moved, xy)


def move_to_centroids(xy, scores, radius: int):
    """Keypoints (N, 2) to the mean position of the scores (H, W) within `radius` pixels, weighted with them."""
    if len(xy) == 0:
        return xy
    padded = F.pad(scores[None], (radius,) * 4)[0]
    steps = torch.arange(2 * radius + 1, device=xy.device)
    start = xy.long()
    weights = padded[start[:, 1].view(-1, 1, 1) + steps.view(1, -1, 1), start[:, 0].view(-1, 1, 1) + steps.view(1, 1, -1)]
    offset = (steps - radius).to(scores.dtype)
    moved = torch.stack([(weights * offset.view(1, 1, -1)).sum((1, 2)), (weights * offset.view(1, -1, 1)).sum((1, 2))], 1)
    return xy + moved / weights.sum((1, 2)).clamp(min=1e-20)[:, None]


def _strongest_of_each_pixel(xy, scores, width: int):
    pixel = xy.round().long()
    place = pixel[:, 1] * width + pixel[:, 0]
    by_score = scores.sort(stable=True, descending=True)[1]
    ordered, order = place[by_score].sort(stable=True)
    first = torch.ones_like(ordered, dtype=torch.bool)
    first[1:] = ordered[1:] != ordered[:-1]
    kept = by_score[order[first]].sort()[0]
    return xy[kept], scores[kept]


def select_keypoints(scores, threshold: float, radius: int, border: int, max_num: int, response=None,
                     refinement_radius: int = 0) -> Tuple:
    """(H, W) scores to keypoints (N, 2) in pixels and their scores (N,); 0 for max_num keeps all. With a refinement radius
    they move to the peaks of the response (H, W) or, without one, to the scores' centroids."""
    suppressed = non_maximum_suppression(scores[None], radius)[0]
    height, width = suppressed.shape
    if height <= 2 * border or width <= 2 * border:
        return scores.new_zeros(0, 2), scores.new_zeros(0)
    inner = suppressed[border:height - border, border:width - border]
    yx = torch.nonzero(inner > threshold)
    values = inner[yx[:, 0], yx[:, 1]]
    xy = (yx.flip(1) + border).float()
    if response is None and refinement_radius > 0:
        xy = move_to_centroids(xy, scores, refinement_radius)
    elif refinement_radius > 0 and len(xy):
        xy = move_to_peaks(xy, response, refinement_radius, border)
        xy, values = _strongest_of_each_pixel(xy, values, width)
    if 0 < max_num < len(values):
        values, kept = torch.topk(values, max_num)
        xy = xy[kept]
    return xy, values


def one_per_place(xy, scores, radius: float, max_num: int):
    """Indices of the keypoints that stay: of those closer than radius pixels the strongest, at most max_num (0: all), sorted
    by falling score; equal ones in their order. radius 0: no two are one place."""
    if radius <= 0:
        return torch.topk(scores, max_num)[1] if 0 < max_num < len(scores) else torch.arange(len(scores), device=scores.device)
    order = scores.argsort(stable=True, descending=True)
    most = max_num if max_num > 0 else len(scores)
    cells: Dict[Tuple[int, int], List[Tuple[float, float]]] = {}
    kept: List[int] = []
    for index, (x, y) in zip(order.tolist(), xy[order].tolist()):
        column, row = math.floor(x / radius), math.floor(y / radius)
        near = (point for dy in (-1, 0, 1) for dx in (-1, 0, 1) for point in cells.get((column + dx, row + dy), ()))
        if len(kept) < most and all(math.hypot(x - other[0], y - other[1]) >= radius for other in near):
            cells.setdefault((column, row), []).append((x, y))
            kept.append(index)
    return torch.tensor(kept, dtype=torch.long, device=scores.device)


def sample_descriptors(keypoints, dense, cell_centres: bool):
    """keypoints (B, N, 2) in pixels, dense (B, D, h, w) to (B, D, N), unit columns. Differentiable in dense."""
    beyond = 0.0 if cell_centres else CELL - 1 - _FIRST_CENTRE
    extent = keypoints.new_tensor([max(CELL * (dense.shape[3] - 1) + beyond, 1.0),
                                   max(CELL * (dense.shape[2] - 1) + beyond, 1.0)])
    grid = (keypoints - _FIRST_CENTRE) / extent * 2 - 1
    sampled = F.grid_sample(dense, grid[:, None], mode="bilinear", align_corners=True).squeeze(2)
    return F.normalize(sampled, p=2.0, dim=1)


def pyramid_level(image, scale: float) -> Tuple:
    """The image (1, 1, H, W) at another size, and original pixels per pixel of it in x and y."""
    height, width = image.shape[2:]
    h, w = (max(1, math.floor(size * scale + 0.5)) for size in (height, width))
    if (h, w) == (height, width):
        return image, 1.0, 1.0
    return (F.interpolate(image, (h, w), mode="bilinear", align_corners=False, antialias=True), width / w, height / h)
