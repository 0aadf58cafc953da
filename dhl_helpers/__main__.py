"""`python -m dhl_helpers COMMAND`: the commands are the modules of `dhl_helpers.commands`."""

import argparse
import os
import sys
from importlib import import_module
from pkgutil import iter_modules

from . import commands
from .errors import DataError, said


class Parser(argparse.ArgumentParser):
    """A parser whose complaint is one line: what is wrong, and where to read on."""

    def error(self, message):
        self.exit(2, f"error: {message} (see {self.prog} --help)\n")


def main(argv=None):
    """Run one command.

    Parameters
    ----------
    argv : list of str, optional
        The arguments; those of the process when None.

    Returns
    -------
    int
        0 for success, 1 for a run that failed, 2 for a request that cannot be met, 130 after Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # what the terminal cannot show is escaped
            stream.reconfigure(errors="backslashreplace")
    try:
        args = parser().parse_args(argv)
        code = args.main(args) or 0
        sys.stdout.flush()
        return code
    except DataError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        try:
            sys.stdout.flush()
        except OSError:  # the output itself cannot be written; Python would try once more at its end
            sys.stdout = open(os.devnull, "w", encoding="utf-8")
        if not isinstance(error, BrokenPipeError):  # somebody who reads on no longer, as `head` does, is no error
            print(f"error: {said(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return 130


def parser():
    """The parser of all commands."""
    parser = Parser(prog="python -m dhl_helpers", description="Deep Hybrid Learning for radiographs: the course.")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for module in iter_modules(commands.__path__):
        if not module.name.startswith("_"):
            command = import_module(f"{commands.__name__}.{module.name}")
            command.add_parser(subparsers).set_defaults(main=command.main)
    return parser


if __name__ == "__main__":
    sys.exit(main())
