"""`student`: copies of the notebooks to work in, without outputs and with the exercises open."""

from pathlib import Path

from . import _copies

SOLUTIONS = "solutions"


def add_parser(subparsers):
    parser = subparsers.add_parser("student", help="write copies of the notebooks whose exercises are open")
    return _copies.add_arguments(parser, "my_course")


def main(args):
    """Write a copy of each notebook, and solved ones in a folder below; copies that were worked in stay."""
    _copies.write(args.notebooks, args.out, _copies.opened, SOLUTIONS)
    _copies.write(args.notebooks, Path(args.out, SOLUTIONS), _copies.solved)
