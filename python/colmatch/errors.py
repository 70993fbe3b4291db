"""What colmatch raises. Each message says what is wrong, what was expected and what to do.

The classes are those of the program's exit statuses (1 to 4)."""


class Error(Exception):
    """Base of colmatch's exceptions."""


class UsageError(Error, ValueError):
    """An option or an argument is wrong."""


class InputError(Error, ValueError):
    """An image, an array or a file cannot be used."""


class EnvironmentError(Error, OSError):  # noqa: A001 - the program's name for it; the builtin is OSError
    """The machine or another program is in the way: database locked, disk full, GPU lost, no memory."""


class WeightsError(Error, ValueError):
    """A weights file is refused."""


__all__ = ["EnvironmentError", "Error", "InputError", "UsageError", "WeightsError"]
