"""Shows what C++ reports while it works: progress by tqdm, log lines by logging ("colmatch")."""

from __future__ import annotations

import logging
import sys
from typing import Any, Callable, Dict, Union

log = logging.getLogger("colmatch")

Progress = Union[bool, None, Callable[[str, int, int], None]]


def _bar_class():
    try:
        from tqdm.auto import tqdm  # widgets in a notebook, text elsewhere
    except ImportError:
        return None
    return tqdm


class Observer:
    """progress: True or False; None: in a notebook and on a terminal; a function gets (label, done, total)."""

    def __init__(self, progress: Progress = None):
        self._function = progress if callable(progress) else None
        wanted = progress is True or (progress is None and (sys.stderr.isatty() or "ipykernel" in sys.modules))
        self._bar_class = _bar_class() if wanted and self._function is None else None
        self._bars: Dict[str, Any] = {}

    def on_progress(self, label: str, done: int, total: int) -> None:
        if self._function is not None:
            self._function(label, done, total)
        elif self._bar_class is not None:
            bar = self._bars.get(label)
            if bar is None:
                bar = self._bars[label] = self._bar_class(total=total, desc=label)
            bar.total = total
            bar.update(done - bar.n)

    def on_log(self, is_warning: bool, message: bytes) -> None:
        log.log(logging.WARNING if is_warning else logging.INFO, "%s", message.decode("utf-8", "backslashreplace"))

    def close(self) -> None:
        for bar in self._bars.values():
            bar.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
