"""FeatureExtractor and FeatureMatcher."""

import json
import os
import signal
import threading

import colmatch
import cv2
import numpy as np
import pytest
from conftest import SOURCE, run_program


def program_match(tmp_path, image0, image1, *options):
    path = tmp_path / "match.json"
    run_program("match", image0, image1, "--json", path, *options)
    return json.loads(path.read_text())


@pytest.mark.parametrize("weights", ["default", "fast", "compact"])
@pytest.mark.parametrize("threads", [1, 2])
def test_features_and_matches_are_the_programs_bit_for_bit(tmp_path, photos, weights, threads):
    options = {"weights": weights, "num_threads": threads}
    extractor = colmatch.FeatureExtractor(max_num_features=200, **options)
    features = [extractor.extract(path) for path in photos[:2]]
    matches, scores = colmatch.FeatureMatcher(**options).match(*features)
    expected = program_match(tmp_path, *photos[:2], "--weights", weights, "--num_threads", threads,
                             "--SuperPoint.max_num_features", 200)
    for image, found in zip(("image0", "image1"), features):
        assert np.array_equal(np.float32(expected[image]["keypoints"]), found.keypoints)
        assert np.array_equal(np.float32(expected[image]["scores"]), found.scores)
        assert found.image_size == (320, 240)
    assert len(matches) > 20
    assert matches.tolist() == [match[:2] for match in expected["matches"]]
    assert scores.tolist() == [np.float32(match[2]) for match in expected["matches"]]


def test_features_have_the_documented_shapes_and_types(photos, extractor):
    features = extractor.extract(photos[0])
    n = len(features)
    assert features.keypoints.shape == (n, 2) and features.descriptors.shape == (n, extractor.descriptor_dim)
    assert features.scores.shape == features.scales.shape == (n,)
    assert {features.keypoints.dtype, features.scores.dtype, features.descriptors.dtype} == {np.dtype(np.float32)}
    assert np.allclose(np.linalg.norm(features.descriptors, axis=1), 1, atol=1e-5)


def test_a_grey_array_gives_what_the_file_gives(tmp_path, photos, extractor):
    gray = cv2.imread(str(photos[0]), cv2.IMREAD_GRAYSCALE)
    cv2.imwrite(str(tmp_path / "gray.png"), gray)
    of_file, of_array = extractor.extract(tmp_path / "gray.png"), extractor.extract(gray)
    assert np.array_equal(of_file.keypoints, of_array.keypoints)
    assert np.array_equal(of_file.descriptors, of_array.descriptors)
    # A view that is not contiguous, and floats.
    assert np.array_equal(extractor.extract(np.asfortranarray(gray)).scores, of_array.scores)
    of_floats = extractor.extract(gray / 255)
    assert len(of_floats) == len(of_array) and np.abs(of_floats.scores - of_array.scores).max() < 1e-3


def test_an_array_of_colours_is_seen_as_grey(photos, extractor):
    gray = cv2.imread(str(photos[0]), cv2.IMREAD_GRAYSCALE)
    assert np.array_equal(extractor.extract(np.dstack([gray] * 3)).keypoints, extractor.extract(gray).keypoints)


def test_keypoints_of_a_resized_image_are_in_its_own_pixels(photos):
    gray = cv2.imread(str(photos[0]), cv2.IMREAD_GRAYSCALE)
    features = colmatch.FeatureExtractor("compact", max_image_size=160).extract(gray)
    assert features.image_size == (320, 240) and features.keypoints[:, 0].max() > 200


@pytest.mark.parametrize("image, message", [
    (np.zeros((4, 4, 4), np.uint8), "shape"),
    (np.zeros((3, 40, 40), np.uint8), "channels to the end"),
    (np.zeros((0, 4), np.uint8), "pixel"),
    (np.zeros(9, np.uint8), "shape"),
    (np.zeros((40, 40), np.int32), "int32"),
    (np.zeros((40, 40), np.complex64), "complex64"),
    (np.full((40, 40), np.nan), "NaN"),
    (np.full((40, 40), 255.0), "[255, 255]"),
    (np.array([["a"]]), "dtype"),
    ("no_such_file.jpg", "no such file"),
    (b"no_such_file.jpg", "no such file"),
    ("/", "folder"),
])
def test_an_image_that_cannot_be_used_is_an_input_error(extractor, image, message):
    with pytest.raises(colmatch.InputError, match=r".*" + message.replace("[", r"\[")):
        extractor.extract(image)


def test_an_image_of_one_pixel_has_no_features(extractor):
    assert len(extractor.extract(np.zeros((1, 1), np.uint8))) == 0


@pytest.mark.parametrize("options, error", [
    ({"no_such_option": 1}, colmatch.UsageError),
    ({"max_num_features": "many"}, colmatch.UsageError),
    ({"max_num_features": object()}, colmatch.UsageError),
    ({"keypoint_threshold": 2}, colmatch.UsageError),
    ({"device": "toaster"}, colmatch.UsageError),
    ({"device": "cuda:77"}, (colmatch.EnvironmentError, colmatch.UsageError)),
    ({"num_threads": 0}, colmatch.UsageError),
    ({"precision": "fp8"}, colmatch.UsageError),
    ({"weights": "no_such_weights"}, colmatch.UsageError),
    ({"mask_path": "masks"}, colmatch.UsageError),
])
def test_a_bad_option_is_an_error_that_names_it(options, error):
    with pytest.raises(error, match=next(iter(options)).partition("_")[0]):
        colmatch.FeatureExtractor(**options)


def test_weights_that_are_damaged_are_a_weights_error(tmp_path):
    (tmp_path / "superpoint.safetensors").write_bytes(b"\0" * 20)
    (tmp_path / "superglue.safetensors").write_bytes(b"\0" * 20)
    for cls in (colmatch.FeatureExtractor, colmatch.FeatureMatcher):
        with pytest.raises(colmatch.WeightsError, match="safetensors"):
            cls(tmp_path)


def test_weights_of_another_kind_are_a_weights_error_that_says_which(tmp_path):
    weights = SOURCE / "weights" / "compact"
    for name, other in (("superpoint", "superglue"), ("superglue", "superpoint")):
        (tmp_path / f"{name}.safetensors").symlink_to(weights / f"{other}.safetensors")
    with pytest.raises(colmatch.WeightsError, match="'superglue', expected 'superpoint'"):
        colmatch.FeatureExtractor(tmp_path)
    with pytest.raises(colmatch.WeightsError, match="'superpoint', expected 'superglue'"):
        colmatch.FeatureMatcher(tmp_path)


def test_errors_are_of_pythons_classes_too():
    assert issubclass(colmatch.UsageError, ValueError) and issubclass(colmatch.InputError, ValueError)
    assert issubclass(colmatch.WeightsError, ValueError) and issubclass(colmatch.EnvironmentError, OSError)


def test_a_short_keyword_and_the_full_name_are_the_same_option(photos):
    by_short = colmatch.FeatureExtractor("compact", max_num_features=50).extract(photos[0])
    by_full = colmatch.FeatureExtractor("compact", SuperPoint_max_num_features=50).extract(photos[0])
    by_colmap = colmatch.FeatureExtractor("compact", **{"SuperPoint.max_num_features": 50}).extract(photos[0])
    assert len(by_short) == 50
    assert np.array_equal(by_short.keypoints, by_full.keypoints)
    assert np.array_equal(by_short.keypoints, by_colmap.keypoints)


def test_every_new_object_follows_its_options():
    """Once, options were resolved from memory that was free by then: some objects took the defaults."""
    image = np.random.default_rng(7).integers(0, 256, (120, 160), np.uint8)
    kept = []
    for count in range(40, 60):
        kept.append(" " * 997 * count)  # the heap looks different each time
        assert len(colmatch.FeatureExtractor("compact", max_num_features=count, max_image_size=0).extract(image)) == count


def test_many_pairs_give_what_each_pair_gives_with_one_thread(photos, extractor):
    features = [extractor.extract(path) for path in photos]
    pairs = [(i, j) for i in range(4) for j in range(4) if i != j]
    seen = []
    many = colmatch.FeatureMatcher("compact", num_threads=2).match_pairs(
        features, pairs, progress=lambda *event: seen.append(event))
    one = colmatch.FeatureMatcher("compact", num_threads=1)
    assert len(many) == len(pairs) and seen[-1] == ("pairs", len(pairs), len(pairs))
    for (i, j), found in zip(pairs, many):
        expected = one.match(features[i], features[j])
        assert np.array_equal(found.matches, expected.matches) and np.array_equal(found.scores, expected.scores)


def test_ctrl_c_ends_many_pairs_and_the_matcher_works_on(photos, extractor, matcher):
    features = [extractor.extract(path) for path in photos]

    def interrupt(*_):
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        matcher.match_pairs(features, [(0, 1)] * 200, progress=interrupt)
    assert len(matcher.match_pairs(features, [(0, 1)])[0].matches) > 20


def test_no_pairs_give_no_matches(matcher):
    assert matcher.match_pairs([], []) == []


def test_a_dictionary_as_hlocs_is_taken(photos, extractor, matcher):
    features = [extractor.extract(path) for path in photos[:2]]
    expected = matcher.match(*features)
    found = matcher.match(*(f.as_dict() for f in features))
    assert np.array_equal(found.matches, expected.matches)
    batched = [{name: value[None] for name, value in f.as_dict().items()} for f in features]
    assert np.array_equal(matcher.match(*batched).matches, expected.matches)


def test_images_without_features_have_no_matches(photos, extractor, matcher):
    nothing = extractor.extract(np.zeros((40, 40), np.uint8))
    something = extractor.extract(photos[0])
    for pair in ((nothing, something), (something, nothing), (nothing, nothing)):
        matches, scores = matcher.match(*pair)
        assert matches.shape == (0, 2) and scores.shape == (0,)


def changed(features, **arrays):
    values = {name: getattr(features, name) for name in ("keypoints", "scores", "descriptors", "scales", "image_size")}
    return colmatch.Features(**{**values, **arrays})


@pytest.mark.parametrize("change, message", [
    (lambda f: changed(f, keypoints=f.keypoints[:, :1]), "keypoints"),
    (lambda f: changed(f, scores=f.scores[1:]), "scores"),
    (lambda f: changed(f, descriptors=f.descriptors.T), "descriptors"),
    (lambda f: changed(f, descriptors=f.descriptors[:, :64]), "128"),
    (lambda f: changed(f, descriptors=f.descriptors * np.nan), "not finite"),
    (lambda f: changed(f, keypoints=f.keypoints + np.inf), "not finite"),
    (lambda f: changed(f, scores=f.scores.astype(str)), "dtype"),
    (lambda f: changed(f, image_size=(0, 5)), "image_size"),
    (lambda f: {}, "keypoints"),
    (lambda f: {**f.as_dict(), "descriptors": f.descriptors}, "descriptors"),
    (lambda f: None, "NoneType"),
])
def test_features_that_do_not_fit_are_an_input_error(photos, extractor, matcher, change, message):
    features = extractor.extract(photos[0])
    with pytest.raises(colmatch.InputError, match=message):
        matcher.match(features, change(features))


def test_pairs_of_features_that_are_not_there_are_an_input_error(photos, extractor, matcher):
    with pytest.raises(colmatch.InputError, match="indices of 1"):
        matcher.match_pairs([extractor.extract(photos[0])], [(0, 1)])


def test_other_threads_run_while_one_extracts(photos, extractor):
    """A thread that holds the GIL would let the counter stand still."""
    stop, count = threading.Event(), [0]

    def work():
        while not stop.is_set():
            count[0] += 1

    thread = threading.Thread(target=work)
    thread.start()
    before = count[0]
    extractor.extract(photos[0])
    during = count[0] - before
    stop.set()
    thread.join()
    assert during > 100


def test_threads_may_share_an_extractor(photos, extractor):
    expected, found = extractor.extract(photos[0]), [None] * 4
    threads = [threading.Thread(target=lambda i=i: found.__setitem__(i, extractor.extract(photos[0]))) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(f.descriptors, expected.descriptors) for f in found)
