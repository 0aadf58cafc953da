"""`cache`: what is kept on disk to save time, and how to get rid of it."""

from pathlib import Path


def add_parser(subparsers):
    parser = subparsers.add_parser("cache", help="show or clear the kept features and translated networks")
    parser.add_argument("--dir", metavar="DIR", help="a cache_dir of your own (default: the user's cache folder)")
    parser.add_argument("--clear", action="store_true", help="remove all entries; other files stay")
    return parser


def main(args):
    """Print the number and the size of the entries; remove them if asked."""
    from .. import cache

    folder = Path(args.dir) if args.dir else cache.folder()
    files = cache.files(folder)
    size = sum(file.stat().st_size for file in files) / 1e6
    print(f"{folder}: {len(files)} entries, {size:.1f} MB")
    if args.clear:
        for file in files:
            file.unlink(missing_ok=True)  # another process may have been faster
        print("Cleared.")
