"""`--option NAME VALUE`: what the reader of a data set takes, on the command line."""

import os

from ..errors import DataError

ELSEWHERE = {"name": "--dataset", "data_dir": "--data-dir", "image_size": "the image size by its own option or -p",
             "channels": "none: films are grey here", "lazy": "none: the command decides"}  # fmt: skip
LOADING = {"on_error": str, "depth": int}  # what `load_dataset` itself takes; size and channels have their own places


def add_option(parser, of):
    """Add `--option NAME VALUE` to a parser; `of` says whose options they are."""
    parser.add_argument("--option", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"),
                        help=f"an option of {of}; may be repeated")  # fmt: skip


def options_of(pairs):
    """The options as a dict; paths absolute, since notebooks run in another folder. Readers type the values.

    Raises
    ------
    DataError
        If an option is given twice, or a number is none.
    """
    options = {}
    for name, value in pairs:
        if name in ELSEWHERE:
            raise DataError(f"--option {name}: is no option of a data set; give {ELSEWHERE[name]}.")
        if name in options:
            raise DataError(f"--option {name} is given twice: {options[name]} and {value}. Give one.")
        if name == "root" and os.path.exists(value):
            value = os.path.abspath(value)
        try:
            options[name] = LOADING.get(name, str)(value)
        except ValueError as error:
            raise DataError(f"--option {name} {value}: takes a whole number.") from error
    return options
