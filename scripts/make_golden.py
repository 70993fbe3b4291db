#!/usr/bin/env python3
"""Writes the reference of the golden tests that is kept in the repository: tests/testdata/golden.

usage: make_golden.py [FOLDER]

SuperPoint and SuperGlue of small sizes with random weights, two pictures drawn at random, and what the networks compute
of them at every stage. Computed here in NumPy alone, in double precision, by the formulas of the papers (DeTone et al.,
CVPRW 2018; Sarlin et al., CVPR 2020), without any of the code that is tested. The same seed gives the same files.
"""

import json
import struct
import sys
from pathlib import Path

import numpy as np

WIDTHS, HEAD, DIM, CELL = (8, 8, 16, 16), 16, 32, 8
ENCODER, LAYER_PAIRS, HEADS = (8, 16), 2, 4
WIDTH, HEIGHT, SHIFT = 96, 80, (8, 8)
THRESHOLD, NMS_RADIUS, BORDER, MATCH_THRESHOLD, ITERATIONS = 0.005, 4, 4, 0.2, 100


def random_layer(rng, out, width, *kernel, gain=1.0):
    scale = gain / np.sqrt(width * np.prod(kernel, dtype=int))
    return (scale * rng.standard_normal((out, width, *kernel))).astype(np.float32)


def superpoint_weights(rng):
    tensors, width = {}, 1
    layers = [(f"conv{i}{side}", w, 3) for i, w in enumerate(WIDTHS, 1) for side in "ab"]
    for name, out, size in layers:
        tensors[f"{name}.weight"] = random_layer(rng, out, width, size, size, gain=1.6)
        tensors[f"{name}.bias"] = (0.1 * rng.standard_normal(out)).astype(np.float32)
        width = out
    for name, out, inputs, size, gain in (("convPa", HEAD, width, 3, 1.6), ("convPb", CELL * CELL + 1, HEAD, 1, 6.0),
                                          ("convDa", HEAD, width, 3, 1.6), ("convDb", DIM, HEAD, 1, 1.0)):
        tensors[f"{name}.weight"] = random_layer(rng, out, inputs, size, size, gain=gain)
        tensors[f"{name}.bias"] = (0.1 * rng.standard_normal(out)).astype(np.float32)
    return tensors


def perceptron_weights(rng, prefix, widths, gain):
    """Layers numbered as in the official nn.Sequential: a layer, batch normalisation, a ReLU."""
    tensors = {}
    for i, (width, out) in enumerate(zip(widths, widths[1:])):
        last = i == len(widths) - 2
        tensors[f"{prefix}.{3 * i}.weight"] = random_layer(rng, out, width, 1, gain=gain if last else 1.4)
        tensors[f"{prefix}.{3 * i}.bias"] = (0.05 * rng.standard_normal(out)).astype(np.float32)
        if not last:
            norm = f"{prefix}.{3 * i + 1}"
            tensors[f"{norm}.weight"] = rng.uniform(0.7, 1.3, out).astype(np.float32)
            tensors[f"{norm}.bias"] = (0.1 * rng.standard_normal(out)).astype(np.float32)
            tensors[f"{norm}.running_mean"] = (0.2 * rng.standard_normal(out)).astype(np.float32)
            tensors[f"{norm}.running_var"] = rng.uniform(0.5, 1.5, out).astype(np.float32)
            tensors[f"{norm}.num_batches_tracked"] = np.array(7, np.int64)
    return tensors


def superglue_weights(rng):
    tensors = perceptron_weights(rng, "kenc.encoder", (3, *ENCODER, DIM), gain=0.1)
    for layer in range(2 * LAYER_PAIRS):
        prefix = f"gnn.layers.{layer}"
        for name in ("attn.merge", "attn.proj.0", "attn.proj.1", "attn.proj.2"):
            tensors[f"{prefix}.{name}.weight"] = random_layer(rng, DIM, DIM, 1, gain=1.5)
            tensors[f"{prefix}.{name}.bias"] = (0.05 * rng.standard_normal(DIM)).astype(np.float32)
        tensors |= perceptron_weights(rng, f"{prefix}.mlp", (2 * DIM, 2 * DIM, DIM), gain=0.15)
    rotation = np.linalg.qr(rng.standard_normal((DIM, DIM)))[0]
    tensors["final_proj.weight"] = (13 * rotation).astype(np.float32)[:, :, None]
    tensors["final_proj.bias"] = (0.1 * rng.standard_normal(DIM)).astype(np.float32)
    tensors["bin_score"] = np.array(8.0, np.float32)
    return tensors


def write_safetensors(path, tensors, metadata):
    header, data = {"__metadata__": metadata}, b""
    for name, value in sorted(tensors.items()):
        kind = {np.dtype(np.float32): "F32", np.dtype(np.int64): "I64"}[value.dtype]
        header[name] = {"dtype": kind, "shape": list(value.shape), "data_offsets": [len(data), len(data) + value.nbytes]}
        data += value.tobytes()
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def picture(rng):
    """A plane of blobs, larger than both pictures."""
    height, width = HEIGHT + 16, WIDTH + 16
    y, x = np.mgrid[:height, :width]
    plane = np.full((height, width), 0.5)
    for _ in range(160):
        cx, cy, radius = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(1, 6)
        plane += rng.uniform(-0.4, 0.4) * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * radius**2))
    return np.clip(plane, 0, 1)


def convolve(x, weight, bias):
    """x (C, H, W), weight (O, C, k, k): what torch calls conv2d, padded by k // 2."""
    size = weight.shape[2]
    padded = np.pad(x, ((0, 0), (size // 2,) * 2, (size // 2,) * 2))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(1, 2))
    return np.einsum("chwij,ocij->ohw", windows, weight, optimize=True) + bias[:, None, None]


def encode(t, image):
    """image (H, W): what both heads see (C, H/8, W/8)."""
    layer = lambda name, x: convolve(x, t[f"{name}.weight"], t[f"{name}.bias"])  # noqa: E731
    x = image[None]
    for i in range(1, 5):
        x = np.maximum(layer(f"conv{i}b", np.maximum(layer(f"conv{i}a", x), 0)), 0)
        if i < 4:
            c, h, w = x.shape
            x = x.reshape(c, h // 2, 2, w // 2, 2).max((2, 4))
    return x


def centre_descriptors(t, image):
    """Random descriptors of all places are alike: takes their mean over the picture off, so that some can match."""
    x = encode(t, image)
    x = np.maximum(convolve(x, t["convDa.weight"], t["convDa.bias"]), 0)
    t["convDb.bias"] = -(t["convDb.weight"][:, :, 0, 0] @ x.mean((1, 2))).astype(np.float32)


def superpoint(t, image):
    """image (H, W): the score map (H, W) and the dense descriptors (D, H/8, W/8)."""
    layer = lambda name, x: convolve(x, t[f"{name}.weight"], t[f"{name}.bias"])  # noqa: E731
    x = encode(t, image)
    logits = layer("convPb", np.maximum(layer("convPa", x), 0))
    exponentials = np.exp(logits - logits.max(0))
    cells = (exponentials / exponentials.sum(0))[:-1]  # without "no keypoint"
    _, h, w = cells.shape
    scores = cells.reshape(CELL, CELL, h, w).transpose(2, 0, 3, 1).reshape(h * CELL, w * CELL)
    descriptors = layer("convDb", np.maximum(layer("convDa", x), 0))
    return scores, descriptors / np.linalg.norm(descriptors, axis=0)


def window_maximum(x):
    padded = np.pad(x, NMS_RADIUS, constant_values=-np.inf)
    side = 2 * NMS_RADIUS + 1
    return np.lib.stride_tricks.sliding_window_view(padded, (side, side)).max((2, 3))


def suppress(scores):
    """The published suppression: local maxima, then twice the local maxima of the scores that remain."""
    is_max = scores == window_maximum(scores)
    for _ in range(2):
        near = window_maximum(is_max.astype(float)) > 0
        left = np.where(near, 0, scores)
        is_max |= (left == window_maximum(left)) & ~near
    return np.where(is_max, scores, 0)


def sample(dense, keypoints):
    """Bilinear as the published code samples the coarse grid (align_corners), zeros outside; unit columns."""
    d, h, w = dense.shape
    grid = keypoints - CELL / 2 + 0.5
    grid = grid / np.array([w * CELL - CELL / 2 - 0.5, h * CELL - CELL / 2 - 0.5]) * np.array([w - 1, h - 1])
    result = np.zeros((d, len(keypoints)))
    low = np.floor(grid).astype(int)
    for dx in (0, 1):
        for dy in (0, 1):
            x, y = low[:, 0] + dx, low[:, 1] + dy
            weight = (1 - np.abs(grid[:, 0] - x)) * (1 - np.abs(grid[:, 1] - y))
            inside = (x >= 0) & (x < w) & (y >= 0) & (y < h)
            result[:, inside] += weight[inside] * dense[:, y[inside], x[inside]]
    return result / np.linalg.norm(result, axis=0)


def features(t, image):
    scores, dense = superpoint(t, image)
    kept = suppress(scores)
    y, x = np.nonzero(kept > THRESHOLD)
    inside = (x >= BORDER) & (x < WIDTH - BORDER) & (y >= BORDER) & (y < HEIGHT - BORDER)
    keypoints = np.stack([x[inside], y[inside]], 1).astype(float)
    values = scores[y[inside], x[inside]]
    return scores, keypoints, values, sample(dense, keypoints)


def perceptron(t, prefix, x):
    i = 0
    while f"{prefix}.{i}.weight" in t:
        x = t[f"{prefix}.{i}.weight"][:, :, 0] @ x + t[f"{prefix}.{i}.bias"][:, None]
        norm = f"{prefix}.{i + 1}"
        if f"{norm}.running_mean" in t:
            scale = t[f"{norm}.weight"] / np.sqrt(t[f"{norm}.running_var"] + 1e-5)
            x = (x - t[f"{norm}.running_mean"][:, None]) * scale[:, None] + t[f"{norm}.bias"][:, None]
            x = np.maximum(x, 0)
        i += 3
    return x


def attention(t, prefix, x, source):
    """Channel c belongs to head c mod 4."""
    linear = lambda name, y: t[f"{prefix}.{name}.weight"][:, :, 0] @ y + t[f"{prefix}.{name}.bias"][:, None]  # noqa: E731
    query, key, value = linear("proj.0", x), linear("proj.1", source), linear("proj.2", source)
    message = np.zeros_like(query)
    for head in range(HEADS):
        of_head = slice(head, None, HEADS)
        logits = query[of_head].T @ key[of_head] / np.sqrt(DIM // HEADS)
        weights = np.exp(logits - logits.max(1, keepdims=True))
        message[of_head] = value[of_head] @ (weights / weights.sum(1, keepdims=True)).T
    return linear("merge", message)


def gnn_layer(t, index, desc0, desc1):
    cross, prefix = index % 2 == 1, f"gnn.layers.{index}"

    def update(x, source):
        message = attention(t, f"{prefix}.attn", x, source)
        return x + perceptron(t, f"{prefix}.mlp", np.concatenate([x, message]))

    return update(desc0, desc1 if cross else desc0), update(desc1, desc0 if cross else desc1)


def log_sum_exp(x, axis):
    largest = x.max(axis, keepdims=True)
    return np.log(np.exp(x - largest).sum(axis)) + largest.squeeze(axis)


def log_assignment(scores, bin_score):
    n, m = scores.shape
    couplings = np.full((n + 1, m + 1), float(bin_score))
    couplings[:n, :m] = scores
    norm = -np.log(n + m)
    log_mu = np.append(np.full(n, norm), norm + np.log(m))
    log_nu = np.append(np.full(m, norm), norm + np.log(n))
    u, v = np.zeros(n + 1), np.zeros(m + 1)
    for _ in range(ITERATIONS):
        u = log_mu - log_sum_exp(couplings + v, 1)
        v = log_nu - log_sum_exp(couplings + u[:, None], 0)
    return couplings + u[:, None] + v - norm


def matches(assignment):
    inner = assignment[:-1, :-1]
    best0, best1 = inner.argmax(1), inner.argmax(0)
    mutual0 = np.arange(len(best0)) == best1[best0]
    mutual1 = np.arange(len(best1)) == best0[best1]
    scores0 = np.where(mutual0, np.exp(inner.max(1)), 0)
    scores1 = np.where(mutual1, scores0[best1], 0)
    valid0 = mutual0 & (scores0 > MATCH_THRESHOLD)
    valid1 = mutual1 & valid0[best1]
    return np.where(valid0, best0, -1), np.where(valid1, best1, -1), scores0, scores1


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent / "tests/testdata/golden")
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(25)
    point, glue = superpoint_weights(rng), superglue_weights(rng)
    plane = picture(rng)
    centre_descriptors(point, plane[:HEIGHT, :WIDTH])
    write_safetensors(folder / "superpoint.safetensors", point, {
        "architecture": "superpoint", "format_version": "1", "encoder_widths": ",".join(map(str, WIDTHS)),
        "head_width": str(HEAD), "descriptor_dim": str(DIM), "descriptor_sampling": "published",
        "refinement_radius": "0", "licence": "CC0-1.0", "trained_by": "scripts/make_golden.py: random"})
    write_safetensors(folder / "superglue.safetensors", glue, {
        "architecture": "superglue", "format_version": "1", "descriptor_dim": str(DIM),
        "keypoint_encoder": ",".join(map(str, ENCODER)), "num_layer_pairs": str(LAYER_PAIRS),
        "licence": "CC0-1.0", "trained_by": "scripts/make_golden.py: random"})
    stages, corners = {}, ((0, 0), SHIFT)
    point, glue = ({k: v.astype(float) for k, v in t.items()} for t in (point, glue))
    encoded = []
    for side, (x, y) in enumerate(corners):
        image = np.rint(255 * plane[y:y + HEIGHT, x:x + WIDTH]).astype(np.uint8)
        score_map, keypoints, scores, descriptors = features(point, image / 255)
        normalized = (keypoints - [WIDTH / 2, HEIGHT / 2]) / (0.7 * max(WIDTH, HEIGHT))
        code = perceptron(glue, "kenc.encoder", np.concatenate([normalized.T, scores[None]]))
        encoded.append(descriptors + code)
        for name, value in (("image", image), ("score_map", score_map), ("keypoints", keypoints), ("scores", scores),
                            ("descriptors", descriptors), ("normalized_keypoints", normalized), ("encoded", encoded[-1])):
            stages[f"{name}{side}"] = value
    desc0, desc1 = encoded
    for layer in range(2 * LAYER_PAIRS):
        desc0, desc1 = gnn_layer(glue, layer, desc0, desc1)
        if layer == 0:
            stages["after_layer0_0"] = desc0
    stages["after_gnn0"], stages["after_gnn1"] = desc0, desc1
    project = lambda x: glue["final_proj.weight"][:, :, 0] @ x + glue["final_proj.bias"][:, None]  # noqa: E731
    stages["coupling_scores"] = project(desc0).T @ project(desc1) / np.sqrt(DIM)
    stages["log_assignment"] = log_assignment(stages["coupling_scores"], glue["bin_score"])
    for name, value in zip(("matches0", "matches1", "matching_scores0", "matching_scores1"),
                           matches(stages["log_assignment"])):
        stages[name] = value
    kinds = {"f": np.float32, "i": np.int64, "u": np.uint8}
    np.savez_compressed(folder / "reference.npz",
                        **{name: np.ascontiguousarray(value, kinds[value.dtype.kind]) for name, value in stages.items()})
    found = stages["matches0"]
    print(f"{len(found)} and {len(stages['matches1'])} keypoints, {(found >= 0).sum()} matches")


if __name__ == "__main__":
    main()
