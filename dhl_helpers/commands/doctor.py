"""`doctor`: the facts of this machine, for a bug report, and whether it is ready for the course."""

import webbrowser

from ..machine import check_machine, facts


def add_parser(subparsers):
    parser = subparsers.add_parser("doctor", help="is this machine ready? its facts for a bug report, and remedies")
    parser.add_argument("--out", default="", metavar="DIR", help="where results will be written")
    return parser


def main(args):
    """Print one line per fact, then the answers; exit code 1 where the course would not run."""
    for name, value in facts().items():
        print(f"{name:18}{value}")
    print()
    try:
        webbrowser.get()
        print("yes  there is a browser for JupyterLab")
    except webbrowser.Error:
        print("NO   there is a browser for JupyterLab\n     open the address that it prints in a browser elsewhere")
    return 0 if check_machine(args.out) else 1
