"""colmatch: SuperPoint and SuperGlue for COLMAP, in Python. See docs/python.md.

    import colmatch
    extractor, matcher = colmatch.FeatureExtractor(), colmatch.FeatureMatcher()
    f0, f1 = extractor.extract("a.jpg"), extractor.extract("b.jpg")
    matches, scores = matcher.match(f0, f1)

`colmatch.torch` has the networks as torch modules, `colmatch.hdf5` reads and writes hloc's files, `colmatch.adapters`
serve hloc, deep-image-matching and glue-factory. Nothing of these, nor the extension, is loaded before it is used.
"""

from typing import TYPE_CHECKING

from ._build_info import VERSION as __version__
from .errors import EnvironmentError, Error, InputError, UsageError, WeightsError

if TYPE_CHECKING:  # what __getattr__ finds at run time
    from .features import Features, Matches
    from .frontend import FeatureExtractor, FeatureMatcher
    from .pipelines import (Summary, extract_features, import_matches, match_exhaustive, match_from_retrieval, match_sequential,
                            match_spatial, reconstruct, run_command, verify_matches)

_HOMES = {
    "features": ("Features", "Matches"),
    "frontend": ("FeatureExtractor", "FeatureMatcher"),
    "pipelines": ("Summary", "extract_features", "import_matches", "match_exhaustive", "match_from_retrieval",
                  "match_sequential", "match_spatial", "reconstruct", "run_command", "verify_matches"),
}
_MODULES = ("adapters", "errors", "features", "frontend", "hdf5", "pipelines", "torch")

__all__ = sorted(["EnvironmentError", "Error", "InputError", "UsageError", "WeightsError", "__version__",
                  *(name for names in _HOMES.values() for name in names)])


def __getattr__(name: str):
    import importlib

    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    for module, names in _HOMES.items():
        if name in names:
            value = getattr(importlib.import_module(f"{__name__}.{module}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__, *_MODULES})
