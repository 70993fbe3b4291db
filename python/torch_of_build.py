"""Which LibTorch `pip install` builds against: the Python package torch of the environment that pip installs into, where
there is one, else the system's. COLMATCH_TORCH names another folder of a package torch; COLMATCH_TORCH=system takes the
system's. Run as a program (by cmake/PythonBuild.cmake) it prints the folder; as a provider of scikit-build-core it gives
the wheel's requirements."""

from __future__ import annotations

import os
import re
import sys
import sysconfig
from pathlib import Path


def torch_folder() -> Path | None:
    """None: the system's LibTorch."""
    wanted = os.environ.get("COLMATCH_TORCH", "")
    if wanted == "system":
        return None
    # pip's isolated build hides the environment's packages from `import`; its folders are where they were.
    folders = [Path(wanted)] if wanted else [Path(sysconfig.get_path(key)) / "torch" for key in ("platlib", "purelib")]
    for folder in folders:
        if (folder / "share" / "cmake" / "Torch" / "TorchConfig.cmake").is_file():
            return folder
    if wanted:
        sys.exit(f"COLMATCH_TORCH={wanted}: expected the folder of a Python package torch (site-packages/torch), or system")
    return None


def dynamic_metadata(field: str, settings: dict | None = None) -> list[str]:
    """What the built wheel requires: the torch it is linked to."""
    requirements = ["numpy>=1.21"]
    folder = torch_folder()
    if folder is not None:
        version = re.search(r"__version__ = '([^'+]+)", (folder / "version.py").read_text())
        requirements.append(f"torch=={version.group(1)}")
    return requirements


if __name__ == "__main__":
    print(torch_folder() or "")
