"""colmatch.torch: the networks in Python against the reference's tensors and against C++."""

import colmatch
import numpy as np
import pytest
from conftest import SOURCE, run_program

torch = pytest.importorskip("torch", reason="the Python package torch is not installed")
cv2 = pytest.importorskip("cv2")

from colmatch.torch import SuperGlue, SuperPoint, normalize_keypoints  # noqa: E402
from colmatch.torch import keypoints as keypoint_selection  # noqa: E402

TOLERANCE = 1e-4  # at every stage


def image_of(path):
    return torch.from_numpy(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)).float()[None, None] / 255


def differ(found, expected):
    found = found.detach().numpy() if hasattr(found, "detach") else found
    assert found.shape == expected.shape
    return float(np.abs(found - expected).max())


@pytest.fixture(scope="module")
def reference(golden):
    return np.load(golden / "reference.npz")


@pytest.mark.parametrize("name", ["superpoint_legacy.pth", "superpoint_zip.pth"])
def test_superpoint_agrees_with_the_reference_at_every_stage(golden, reference, name):
    network = SuperPoint.load(golden / name)
    for side in "01":
        image = image_of(golden / f"image{side}.png")
        assert differ(network(image)["scores"][0], reference[f"score_map{side}"]) < TOLERANCE
        features = network.extract(image, max_num_features=512, refinement_radius=0)
        # The order of scores that are equal but for a rounding is nobody's contract.
        rows = {tuple(xy): row for row, xy in enumerate(features["keypoints"].tolist())}
        order = [rows[tuple(xy)] for xy in reference[f"keypoints{side}"].tolist()]
        assert len(order) == len(rows)
        assert differ(features["scores"][order], reference[f"scores{side}"]) < TOLERANCE
        assert differ(features["descriptors"][:, order], reference[f"descriptors{side}"]) < TOLERANCE


def test_superglue_agrees_with_the_reference_at_every_stage(golden, reference):
    check_superglue(SuperGlue.load(golden / "superglue_depth3_legacy.pth"), reference)


def test_the_networks_agree_with_the_reference_in_the_repository():
    """Small networks, computed in NumPy alone by scripts/make_golden.py."""
    folder = SOURCE / "tests" / "testdata" / "golden"
    small = np.load(folder / "reference.npz")
    superpoint = SuperPoint.load(folder / "superpoint.safetensors")
    for side in "01":
        image = torch.from_numpy(small[f"image{side}"]).float()[None, None] / 255
        assert differ(superpoint(image)["scores"][0], small[f"score_map{side}"]) < TOLERANCE
        assert len(superpoint.extract(image)["keypoints"]) == len(small[f"keypoints{side}"])
    check_superglue(SuperGlue.load(folder / "superglue.safetensors"), small)


def check_superglue(network, reference):
    data = {f"{stage}{side}": torch.from_numpy(reference[stage + side])[None]
            for side in "01" for stage in ("keypoints", "scores", "descriptors")}
    sizes = {side: reference[f"image{side}"].shape[::-1] for side in "01"}
    data.update({f"image_size{side}": size for side, size in sizes.items()})
    with torch.no_grad():
        normalized = [normalize_keypoints(data[f"keypoints{side}"], *sizes[side]) for side in "01"]
        assert differ(normalized[0][0], reference["normalized_keypoints0"]) < TOLERANCE
        desc0, desc1 = (network.encode(normalized[int(s)], data[f"scores{s}"], data[f"descriptors{s}"]) for s in "01")
        assert differ(desc0[0], reference["encoded0"]) < TOLERANCE
        desc0, desc1 = network.gnn.layer(0, desc0, desc1)
        assert differ(desc0[0], reference["after_layer0_0"]) < TOLERANCE
        for index in range(1, len(network.gnn.layers)):
            desc0, desc1 = network.gnn.layer(index, desc0, desc1)
        assert differ(desc0[0], reference["after_gnn0"]) < TOLERANCE
        assert differ(desc1[0], reference["after_gnn1"]) < TOLERANCE
        output = network(data)
    assert differ(output["scores"][0], reference["coupling_scores"]) < TOLERANCE
    assert differ(output["log_assignment"][0], reference["log_assignment"]) < TOLERANCE
    for stage in ("matches0", "matches1"):
        assert np.array_equal(output[stage][0].numpy(), reference[stage])
    for stage in ("matching_scores0", "matching_scores1"):
        assert differ(output[stage][0], reference[stage]) < TOLERANCE


@pytest.mark.parametrize("weights", ["default", "fast", "compact"])
def test_features_and_matches_of_our_weights_agree_with_cpp(photos, weights):
    superpoint, superglue = SuperPoint.load(weights), SuperGlue.load(weights)
    extractor = colmatch.FeatureExtractor(weights, max_num_features=300, precision="fp32")
    matcher = colmatch.FeatureMatcher(weights, guidance_rounds=0, precision="fp32")
    expected = [extractor.extract(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)) for path in photos[:2]]
    data = {}
    for side, (path, features) in enumerate(zip(photos[:2], expected)):
        found = superpoint.extract(image_of(path), max_num_features=300)
        # The order and the last keypoints may differ where scores differ by a rounding.
        near = np.linalg.norm(found["keypoints"].numpy()[:, None] - features.keypoints[None], axis=2)
        assert (near.min(1) < 0.01).mean() > 0.99
        data.update({f"keypoints{side}": torch.from_numpy(features.keypoints)[None],
                     f"scores{side}": torch.from_numpy(features.scores)[None],
                     f"descriptors{side}": torch.from_numpy(features.descriptors.T.copy())[None],
                     f"image_size{side}": features.image_size})
    with torch.no_grad():
        output = superglue(data)
    matches, scores = matcher.match(*expected)
    found = output["matches0"][0].numpy()
    agree = [found[i] == j for i, j in matches]
    assert len(matches) > 20 and np.mean(agree) > 0.99
    confidence = output["matching_scores0"][0].numpy()[matches[:, 0]]
    assert np.abs(confidence - scores)[agree].max() < 2e-3


def test_refinement_by_the_scores_and_pooled_descriptors_agree_with_cpp(photos, tmp_path):
    network = SuperPoint.load("fast")
    network.refinement, network.refinement_radius, network.pooled_descriptors = "scores", 1, True
    network.save(tmp_path / "superpoint.safetensors", {})
    SuperGlue.load("fast").save(tmp_path / "superglue.safetensors", {})
    assert SuperPoint.load(tmp_path / "superpoint.safetensors").refinement == "scores"
    expected = colmatch.FeatureExtractor(str(tmp_path), max_num_features=300, precision="fp32").extract(str(photos[0]))
    found = network.extract(image_of(photos[0]), max_num_features=300)
    assert (expected.keypoints % 1 != 0).mean() > 0.9
    distance = np.linalg.norm(found["keypoints"].numpy()[:, None] - expected.keypoints[None], axis=2)
    near, same = distance.min(1) < 0.01, distance.argmin(1)
    assert near.mean() > 0.99
    assert np.abs(found["descriptors"].numpy().T[near] - expected.descriptors[same[near]]).max() < 1e-3


def test_weights_trained_one_step_in_python_load_in_cpp(tmp_path, photos):
    superpoint, superglue = SuperPoint.load("compact"), SuperGlue.load("compact")
    features = [superpoint.extract(image_of(path), max_num_features=60) for path in photos[:2]]
    data = {f"{name}{side}": f[name][None] if name != "image_size" else f[name]
            for side, f in enumerate(features) for name in ("keypoints", "scores", "descriptors", "image_size")}
    superglue.train()
    optimizer = torch.optim.SGD([p for p in superglue.parameters() if p.requires_grad], 1e-3)
    loss = -superglue(data)["log_assignment"][:, :-1, :-1].max(2).values.mean()
    loss.backward()
    before = superglue.final_proj.weight.detach().clone()
    optimizer.step()
    assert not torch.equal(before, superglue.final_proj.weight)
    superglue.save(tmp_path / "superglue.safetensors", {"trained_by": "torch_test"})
    superpoint.save(tmp_path / "superpoint.safetensors")
    assert "trained_by: torch_test" in run_program("weights", "info", tmp_path / "superglue.safetensors")
    f0, f1 = (colmatch.FeatureExtractor(tmp_path, max_num_features=200).extract(path) for path in photos[:2])
    assert len(colmatch.FeatureMatcher(tmp_path).match(f0, f1).matches) > 20


def test_gradients_reach_every_parameter_that_is_trained(photos):
    superpoint = SuperPoint.load("compact").train()
    output = superpoint(image_of(photos[0])[:, :, :64, :64])
    (output["logits"].square().mean() + output["descriptors"][:, ::2].sum()).backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in superpoint.parameters())


@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
def test_what_is_saved_is_loaded_as_it_was(tmp_path, golden, suffix):
    for cls, name in ((SuperPoint, "superpoint_zip.pth"), (SuperGlue, "superglue_depth3_legacy.pth")):
        network = cls.load(golden / name)
        path = tmp_path / f"{cls.network}.{suffix}"
        (network.save if suffix == "safetensors" else network.save_pth)(path)
        again = cls.load(path).state_dict()
        assert all(torch.equal(value, again[key]) for key, value in network.state_dict().items())


def test_cpp_imports_what_python_saves_and_writes_the_same_bytes(tmp_path, golden):
    network = SuperPoint.load(golden / "superpoint_zip.pth")
    network.save_pth(tmp_path / "a.pth")
    run_program("weights", "import", tmp_path / "a.pth", "--output", tmp_path / "a.safetensors")
    imported = SuperPoint.load(tmp_path / "a.safetensors")
    imported.save(tmp_path / "b.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


@pytest.mark.parametrize("change, message", [
    (lambda d: d[:100], "header"),
    (lambda d: d[:-4], "bytes|last tensor"),
    (lambda d: d + b"x", "after its last tensor"),
    (lambda d: b"", "header"),
    (lambda d: d.replace(b"conv1a.weight", b"conv9a.weight"), "conv1a|conv9a"),
    (lambda d: d.replace(b'"superpoint"', b'"superglues"'), "architecture"),
])
def test_a_damaged_file_is_a_weights_error(tmp_path, change, message):
    SuperPoint((8, 8, 8, 8), 8, 8).save(tmp_path / "good.safetensors")
    (tmp_path / "bad.safetensors").write_bytes(change((tmp_path / "good.safetensors").read_bytes()))
    with pytest.raises(colmatch.WeightsError, match=message):
        SuperPoint.load(tmp_path / "bad.safetensors")


def test_weights_of_the_other_network_or_of_none_are_refused(tmp_path):
    SuperPoint((8, 8, 8, 8), 8, 8).save(tmp_path / "a.safetensors")
    with pytest.raises(colmatch.WeightsError, match="expected superglue"):
        SuperGlue.load(tmp_path / "a.safetensors")
    with pytest.raises(colmatch.UsageError, match="no such file"):
        SuperGlue.load(tmp_path / "none")


def test_the_strongest_of_a_place_stays_and_the_budget_counts_places():
    xy = torch.tensor([[10.0, 10], [50, 50], [50, 51], [51, 50], [90, 50]])
    scores = torch.tensor([0.5, 0.9, 0.8, 0.7, 0.6])
    assert keypoint_selection.one_per_place(xy, scores, 3.0, 0).tolist() == [1, 4, 0]
    assert keypoint_selection.one_per_place(xy, scores, 3.0, 2).tolist() == [1, 4]
    assert keypoint_selection.one_per_place(xy, scores, 0.0, 2).tolist() == [1, 2]
    assert keypoint_selection.one_per_place(xy, scores, 0.0, 0).tolist() == [0, 1, 2, 3, 4]
