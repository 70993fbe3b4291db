#!/usr/bin/env python3
"""Times a peer's own network on random pixels or features, one line of JSON a run.

Usage: peer_network.py superpoint|superglue|lightglue CHECKOUT NUM_KEYPOINTS THREADS REPETITIONS [WIDTH HEIGHT]

CHECKOUT is a clone of magicleap/SuperGluePretrainedNetwork (superpoint, superglue) or cvg/LightGlue; it is
imported, nothing of it is kept. Its weights are not needed: random ones take the same time (LightGlue's early
exit is off). WIDTH and HEIGHT are SuperPoint's image: 640 x 480.
"""
import json
import statistics
import sys
import time

import torch


def features(n, seed):
    torch.manual_seed(seed)
    descriptors = torch.nn.functional.normalize(torch.randn(1, 256, n), dim=1)
    return torch.rand(1, n, 2) * torch.tensor([640.0, 480.0]), torch.rand(1, n), descriptors


def without_weights():
    torch.load = lambda *args, **kwargs: {}
    torch.nn.Module.load_state_dict = lambda self, *args, **kwargs: None


def superpoint(n, width=640, height=480):
    without_weights()
    from models.superpoint import SuperPoint
    network = SuperPoint({"max_keypoints": n}).eval()
    torch.manual_seed(0)
    image = torch.rand(1, 1, height, width)
    return lambda: network({"image": image})


def superglue(n):
    without_weights()
    from models.superglue import SuperGlue
    network = SuperGlue({"sinkhorn_iterations": 100, "match_threshold": 0.2}).eval()
    data = {"image0": torch.zeros(1, 1, 480, 640), "image1": torch.zeros(1, 1, 480, 640)}
    for i in "01":
        data["keypoints" + i], data["scores" + i], data["descriptors" + i] = features(n, int(i))
    return lambda: network(data)


def lightglue(n):
    from lightglue import LightGlue
    network = LightGlue(features=None, input_dim=256, depth_confidence=-1, width_confidence=-1).eval()
    data = {}
    for i in "01":
        keypoints, _, descriptors = features(n, int(i))
        data["image" + i] = {"keypoints": keypoints, "descriptors": descriptors.transpose(1, 2),
                             "image_size": torch.tensor([[640.0, 480.0]])}
    return lambda: network(data)


def main():
    kind, checkout, n, threads, repetitions = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
    torch.set_num_threads(threads)
    sys.path.insert(0, checkout)
    if kind == "superpoint":
        run = superpoint(n, *map(int, sys.argv[6:8]))
    else:
        run = {"superglue": superglue, "lightglue": lightglue}[kind](n)
    times = []
    with torch.no_grad():
        for _ in range(repetitions + 1):
            begin = time.perf_counter()
            run()
            times.append(1000 * (time.perf_counter() - begin))
    times = times[1:]  # the first warms up
    print(json.dumps({"ms": times, "median_ms": statistics.median(times), "torch": torch.__version__}))


if __name__ == "__main__":
    main()
