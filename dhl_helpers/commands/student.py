"""`student`: copies of the notebooks to work in, without outputs and with the exercises open."""

from . import _copies


def add_parser(subparsers):
    parser = subparsers.add_parser("student", help="write copies of the notebooks whose exercises are open")
    return _copies.add_arguments(parser, "my_course")


def main(args):
    """Write a copy of each notebook; copies that were worked in stay."""
    _copies.write(args, _copies.opened)
