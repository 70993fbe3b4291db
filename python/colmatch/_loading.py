"""Loads the extension `colmatch._native`, once and only when it is needed.

The extension is linked to one LibTorch, and a process has room for one: with two (the system's and PyPI's torch, tried
in both orders) it ends without a message. So what does not fit is refused here, with a message that says how to go on.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import os
import sys
import threading
from pathlib import Path

from . import _build_info
from .errors import EnvironmentError

_lock = threading.Lock()
_native = None

PACKAGE = Path(__file__).parent


_HOW = "use two processes, or build colmatch with this torch (pip install --no-build-isolation . with torch installed)"


def _is_of_the_system(path: "str | None") -> bool:
    """Whether a module torch is the system's package, which has the system's LibTorch."""
    return path is not None and path.startswith("/usr/lib/python3/")


class _TorchGuard(importlib.abc.MetaPathFinder):
    """Once the extension with the system's LibTorch is loaded, keeps another torch from being imported."""

    def find_spec(self, fullname, path=None, target=None):
        if fullname == "torch":
            spec = importlib.machinery.PathFinder.find_spec(fullname, path)
            if spec is not None and not _is_of_the_system(spec.origin):
                raise ImportError(f"colmatch was built with the system's LibTorch {_build_info.TORCH_VERSION}, which this "
                                  f"process has loaded; {spec.origin} has another: {_HOW}")
        return None


def _refuse_other_torch() -> None:
    """Raises if this process has another LibTorch than the extension's."""
    if not _build_info.TORCH_FOLDER:
        torch = sys.modules.get("torch")
        if torch is not None and not _is_of_the_system(torch.__file__):
            raise EnvironmentError(
                f"colmatch was built with the system's LibTorch {_build_info.TORCH_VERSION}, and this process has "
                f"imported torch {torch.__version__} ({torch.__file__}), another LibTorch: {_HOW}")
        sys.meta_path.insert(0, _TorchGuard())
        return
    try:
        torch = importlib.import_module("torch")
    except ImportError as error:
        raise EnvironmentError(
            f"colmatch was built with torch {_build_info.TORCH_VERSION}, which cannot be imported ({error}): "
            f"pip install torch=={_build_info.TORCH_VERSION}") from error
    found = torch.__version__.split("+")[0]
    if found != _build_info.TORCH_VERSION.split("+")[0]:
        raise EnvironmentError(
            f"colmatch was built with torch {_build_info.TORCH_VERSION}, found {found}: install that version, or "
            "build colmatch again (pip install --no-build-isolation --force-reinstall .)")


def _import_patiently():
    """OpenMP's threads spin while they wait unless told otherwise when the library is loaded (plugin/commands/main.cc)."""
    policy = {"OMP_WAIT_POLICY": "passive"}
    given = {name: os.environ.get(name) for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")}
    if any(value is not None for value in given.values()):
        policy = {}
    os.environ.update(policy)
    try:
        _refuse_other_torch()
        return importlib.import_module("colmatch._native")
    except ImportError as error:
        raise EnvironmentError(f"colmatch's extension cannot be loaded: {error}. Build it again: pip install "
                               "--force-reinstall . in the checkout") from error
    finally:
        for name in policy:
            os.environ.pop(name, None)


def weights_folder() -> Path | None:
    """Where the shipped weights are: in the installed package, or in the source tree."""
    for folder in (PACKAGE / "share" / "colmatch" / "weights", Path(_build_info.SOURCE_WEIGHTS)):
        if folder.is_dir():
            return folder
    return None


def native():
    """The extension module. Raises EnvironmentError if it cannot be loaded into this process."""
    global _native
    with _lock:
        if _native is None:
            module = _import_patiently()
            folder = weights_folder()
            if folder is not None:
                module.add_weights_folder(os.fsencode(folder))
            _native = module
    return _native


def require_torch():
    """The Python package torch, for colmatch.torch. Raises EnvironmentError where it is missing or does not fit."""
    try:
        return importlib.import_module("torch")
    except ImportError as error:
        raise EnvironmentError(
            f"colmatch.torch needs the Python package torch: {error} (pip install torch, or apt-get install python3-torch)") from error
