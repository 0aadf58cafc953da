"""The options of a reader, brought to the types of its signature: on a command line every value is text."""

import inspect
from pathlib import Path

from ..errors import DataError

WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def defaults(read):
    """The options of a reader with their default values, the place of its files left out."""
    taken = {"data_dir", *getattr(read, "keywords", {})}
    known = inspect.signature(read).parameters.values()
    return {option.name: option.default for option in known if option.name not in taken}


def typed(name, value, default):
    """An option's value as the type of its default; DataError where it is none."""
    if isinstance(default, bool):
        value = WORDS.get(value.strip().lower(), value) if isinstance(value, str) else value
        good, kind = isinstance(value, bool), "True or False"
    elif isinstance(default, int):
        value = int(value) if isinstance(value, str) and value.strip().lstrip("+-").isdecimal() else value
        good, kind = isinstance(value, int) and not isinstance(value, bool), "a whole number"
    elif isinstance(default, tuple):
        value = [each.strip() for each in value.split(",")] if isinstance(value, str) else value
        good = isinstance(value, (list, tuple)) and all(isinstance(each, str) and each for each in value)
        kind = "names, separated by commas"
    else:
        good, kind = isinstance(value, (str, Path, type(default))), "text"
    if not good:
        raise DataError(f"option {name} is {value!r}; it takes {kind}, like {default!r}.")
    return value
