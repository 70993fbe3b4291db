"""The adapters, on stand-ins of the hosts' base classes. The real hosts are not installed here."""

import sys
import textwrap

import colmatch
import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="the Python package torch is not installed")

# As the hosts declare them: a model takes a dictionary, and calls _init and _forward of the subclass.
BASE_MODEL = """
    from torch import nn
    class BaseModel(nn.Module):
        default_conf = {}
        required_inputs = []
        def __init__(self, conf):
            super().__init__()
            self.conf = conf = {**self.default_conf, **conf}
            self._init(conf)
        def forward(self, data):
            for key in self.required_inputs: assert key in data, key
            return self._forward(data)
"""


@pytest.fixture()
def hloc(tmp_path, monkeypatch):
    for package in ("hloc", "hloc/extractors", "hloc/matchers", "hloc/utils"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("")
    (tmp_path / "hloc/utils/base_model.py").write_text(textwrap.dedent(BASE_MODEL))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "hloc"]:
        del sys.modules[name]


def load(package, name):
    """As hloc's dynamic_load: the one class that is defined in the module."""
    path = f"{package}.{name}"
    module = __import__(path, fromlist=[""])
    (cls,) = [value for value in vars(module).values() if isinstance(value, type) and value.__module__ == path]
    return cls


def test_hloc_finds_the_models_and_they_give_what_the_module_gives(hloc, photos):
    import torch
    from colmatch.adapters import hloc as adapter

    adapter.register()
    extractor = load("hloc.extractors", "colmatch")({"weights": "compact", "max_num_features": 200})
    matcher = load("hloc.matchers", "colmatch")({"weights": "compact"})
    images = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in photos[:2]]
    data = {}
    for side, image in enumerate(images):
        tensor = torch.from_numpy(image).float()[None, None] / 255
        found = {name: value[0] for name, value in extractor({"image": tensor}).items()}
        assert found["descriptors"].shape == (128, len(found["keypoints"]))
        data.update({f"{name}{side}": value[None] for name, value in found.items()})
        data[f"image{side}"] = torch.empty((1, 1) + image.shape)
    output = matcher(data)
    own = colmatch.FeatureExtractor("compact", max_num_features=200, max_image_size=0)
    matches, scores = colmatch.FeatureMatcher("compact").match(
        *(own.extract(np.float32(torch.from_numpy(image).float() / 255)) for image in images))
    index = output["matches0"][0].numpy()
    assert [[i, j] for i, j in enumerate(index) if j >= 0] == matches.tolist() and len(matches) > 20
    assert np.array_equal(output["matching_scores0"][0].numpy()[matches[:, 0]], scores)


def test_a_host_that_is_missing_is_an_environment_error():
    from colmatch.adapters import deep_image_matching, gluefactory
    from colmatch.adapters import hloc as adapter

    for register in (adapter.register, gluefactory.register, deep_image_matching.register):
        with pytest.raises(colmatch.EnvironmentError, match="install"):
            register()
