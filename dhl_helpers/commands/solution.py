"""`solution`: clean copies of the notebooks, solved and without outputs."""

from . import _copies


def add_parser(subparsers):
    parser = subparsers.add_parser("solution", help="write clean copies of the notebooks with all solutions in place")
    return _copies.add_arguments(parser, "solved")


def main(args):
    """Write a copy of each notebook; copies that were worked in stay."""
    _copies.write(args.notebooks, args.out, _copies.solved)
