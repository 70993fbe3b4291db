"""Runs a command of the program in this process."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Tuple

from ._loading import native
from ._observer import Observer, Progress
from ._options import arguments


@dataclass
class Summary:
    """What a command did."""

    counts: Dict[str, int] = field(default_factory=dict)
    """By name, such as `extracted`, `matched`, `verified`, `num_inliers`, `num_registered`."""
    skipped: List[Tuple[str, str]] = field(default_factory=list)
    """Inputs that could not be used, each with the reason."""

    def __getattr__(self, name: str) -> int:
        try:
            return self.__dict__["counts"][name]
        except KeyError:
            raise AttributeError(f"Summary has no {name}; it has {', '.join(self.__dict__.get('counts', {}))}") from None


def run_command(command: str, options: Mapping[str, Any], progress: Progress = None) -> Summary:
    """Runs a command of the program in this process, without the GIL. Raises colmatch.Error's classes; on Ctrl-C the
    work in hand is stored, then KeyboardInterrupt: the same call goes on where it stopped."""
    with Observer(progress) as observer:
        status, counts, skipped = native().run([command.encode(), *arguments(command, dict(options))], observer)
    decode = os.fsdecode
    return Summary(dict(counts), [(decode(name), reason.decode("utf-8", "backslashreplace")) for name, reason in skipped])
