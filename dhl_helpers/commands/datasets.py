"""`datasets`: what is known of each data set, a look at a local copy, and the download of the open ones."""

import shutil
import textwrap

from ..errors import DataError
from ._options import add_option, options_of


def add_parser(subparsers):
    parser = subparsers.add_parser(
        "datasets", help="list the data sets, check a local copy, download an open one",
        usage="%(prog)s [NAME [--data-dir DIR]] | get NAME [--size PIXELS] [--data-dir DIR]",
    )  # fmt: skip
    parser.add_argument("words", nargs="*", metavar="NAME", help="a data set; `get NAME` downloads it")
    parser.add_argument("--data-dir", default="", metavar="DIR", help="where it lies, or where `get` puts it")
    parser.add_argument("--size", type=int, default=28, help="for get: pixels, 28 (default), 64, 128 or 224")
    add_option(parser, "the reader, for instance --option label_column finding")
    return parser


def main(args):
    """Print the table without a name, describe and check a set with one, download after `get`."""
    words = args.words
    if words[:1] == ["get"]:
        from ._fetch import fetch

        if len(words) != 2:
            raise DataError("Say which data set: python -m dhl_helpers datasets get NAME.")
        return print(f"{fetch(words[1], args.size, args.data_dir or '.')}: complete, checksum as published.")
    if len(words) > 1:
        raise DataError(f"One data set at a time, not {' '.join(words)}.")
    return check(words[0], args.data_dir, options_of(args.option)) if words else overview()


def overview():
    """The registry as a table."""
    from ..readers import REGISTRY

    width = max(72, shutil.get_terminal_size((120, 24)).columns)
    files = {name: "real files" if reader.on_real_files else "documentation" for name, reader in REGISTRY.items()}
    rows = [(name, reader.title, reader.licence or "your own", files[name]) for name, reader in REGISTRY.items()]
    rows.insert(0, ("name", "what it is", "licence", "checked on"))
    names, last = max(len(row[0]) for row in rows) + 2, len("documentation")
    licences = min(30, max(len(row[2]) for row in rows))
    titles = width - names - licences - last - 4
    for name, *cells in rows:
        columns = [textwrap.wrap(cell, space) for cell, space in zip(cells, (titles, licences, last), strict=True)]
        for line in range(max(map(len, columns))):
            title, licence, checked = (column[line] if line < len(column) else "" for column in columns)
            print(f"{'' if line else name:<{names}}{title:<{titles}}  {licence:<{licences}}  {checked}".rstrip())
    print("\nMore on one: python -m dhl_helpers datasets NAME. Where an image can have several findings, NAME:FINDING")
    print("is one against none, and NAME:single one class a finding.")


def check(name, data_dir, options):
    """Describe a set and, where a local copy is named, validate it; returns 1 if that has problems."""
    from ..readers import named
    from ..readers.options import defaults

    reader = named(name)
    for key in ("title", "licence", "needs", "labels", "patient", "split", "source"):
        print(f"{key:<8} {getattr(reader, key) or '-'}")
    print("options ", ", ".join(f"{option}={value!r}" for option, value in defaults(reader.read).items()) or "-")
    print(f"checked  on {'real files' if reader.on_real_files else 'documentation only'}: {reader.checked}")
    if not data_dir and name != "sample":
        return print("\nTo check a local copy add --data-dir DIR.")
    from ..validation import validate

    counts, problems = validate(name, data_dir, **options)
    print(f"\n{counts.astype(int).to_string()}\n")
    for kind, where in problems.groupby("problem", sort=False)["where"]:
        print(f"{kind}: {len(where)}" if kind not in ("remark", "patients unknown") else f"{kind}:")
        for text in where[:20]:
            print(f"  {text}")
        if len(where) > 20:
            print(f"  ... and {len(where) - 20} more")
    faults = problems[~problems["problem"].isin(["remark", "patients unknown"])]
    print(f"{len(faults)} problems found." if len(faults) else "No problems found.")
    return 1 if len(faults) else 0
