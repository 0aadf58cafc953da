"""`predict`: scores of unlabelled images from a kept pipeline."""

import argparse
import hashlib
import json
import os
import sys
from pathlib import Path

from .. import files
from ..errors import DataError, listing
from ..files import digest, try_out
from ..locks import lock
from ..tables import for_spreadsheets
from ._options import add_option, options_of

ABOUT = """\
Writes one row per image: its path below FOLDER, the probability of each class, the
decision at the pipeline's operating point. An image that cannot be read has no score
and its problem in the last column.

An image is unlike those of the training when its shorter side is less than half of
that of the smallest training image, when it is in colour and all of those were grey,
or grey and all of those were in colour. Such images mean that FOLDER is not what the
pipeline is for: all of them are listed and nothing is scored. With --leave-out the
others are scored, and these stand in the table like unreadable ones.

Exit code: 0 if every image was scored, 1 if some were not, 2 if nothing could be
done. Not for diagnosis."""


def add_parser(subparsers):
    parser = subparsers.add_parser("predict", help="score a folder of unlabelled images with a kept pipeline",
                                   description=ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("pipeline", metavar="PIPELINE", help="the folder that `run --save` or save_pipeline made")
    parser.add_argument("folder", metavar="FOLDER", help="images of any kind that the course reads, subfolders too; or "
                        "a CSV that lists them in its column path")
    add_option(parser, "that CSV: path_column, root or prefix")
    parser.add_argument("--out", required=True, metavar="CSV", help="the table to write; CSV.json beside it says by "
                        "what it was made; a table that this command did not write, or that was changed, is kept")
    parser.add_argument("--leave-out", action="store_true", help="score the others where images are unlike those of "
                        "the training")  # fmt: skip
    parser.add_argument("--trust", action="store_true", help="open a pipeline that was not kept by you on this "
                        "machine; it is opened in a process of its own")  # fmt: skip
    return parser


def main(args):
    """Score; returns 1 if images had to be left out."""
    root, out = Path(args.folder), Path(args.out)
    if not out.absolute().parent.is_dir():
        raise DataError(f"{out.parent}: no such folder. Make it, or choose another --out.")
    try_out(out.parent)
    with lock(out.with_name(f".dhl-lock-{out.name}"), f"{out}: another command is writing it; wait for that."):
        return scored(args, root, out, out.with_name(out.name + ".json"))


def scored(args, root, out, note):
    """Score while nobody else writes `out`."""
    keep(out, note)
    paths, names, beside = find(root, options_of(args.option))
    from ..pipeline import read_card  # after the cheap checks: it starts TensorFlow
    from ._score import score, score_apart, unlike

    card = read_card(args.pipeline, args.trust)
    if card["image"]["size"] is None:
        height, width, _ = card["image"]["shape"]
        raise DataError(f"{args.pipeline}: for images of {height} x {width} pixels, but files are resized to squares "
                        "here. Score arrays in Python: load_pipeline(folder)[0].predict_proba(images).")  # fmt: skip
    problems = unlike(paths, card["trained_on"])
    if problems and not args.leave_out:
        which = [f"{names[row]}: {reason}" for row, reason in problems.items()]
        raise DataError(f"{root}: {len(which)} of {len(paths)} images are unlike those that the pipeline was trained "
                        f"on. Remove them, or add --leave-out:\n{listing(which, len(which))}")  # fmt: skip
    table, notes = (score_apart if args.trust else score)(args.pipeline, paths, names, problems)
    for note_of_it in notes:
        print(f"note: {note_of_it}", file=sys.stderr)
    write(table, card, out, note)
    for sentence in beside:
        print(f"note: {sentence}", file=sys.stderr)
    left = [f"{row.path}: {row.problem}" for row in table[table["problem"] != ""].itertuples()]
    if left:
        print(f"{len(left)} images have no score:\n{listing(left)}", file=sys.stderr)
    about, point = card["trained_on"], card["operating_point"]
    print(f"{len(paths) - len(left)} of {len(paths)} images scored: {out}")
    print(f"Pipeline: {about['images']} images of {about['patients']} patients of {about['name']!r}. {point['chosen']}")
    print(card["notice"])
    return 1 if left else 0


def keep(out, note):
    """Refuse to write over a table or a note that this command did not write, or that somebody changed."""
    known = known_tables(note)
    if os.path.lexists(out) and (not out.is_file() or digest(out) not in known):
        raise DataError(f"{out}: not written by this command, or changed since. Move it away or choose another --out.")
    if os.path.lexists(note) and not known:
        raise DataError(f"{note}: not written by this command, or damaged. Move it away or choose another --out.")


def known_tables(note):
    """The digests of the tables that a note belongs to: the newest, and the one that it was about to replace."""
    try:
        told = json.loads(note.read_text(encoding="utf-8"))
        return [told["csv_sha256"], told.get("replaces_sha256")]
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, ValueError, TypeError, KeyError, AttributeError):
        return []


def find(root, options):
    """The images below a folder or in a CSV, in order, their names in the table, and in words what else is there."""
    from ..readers import table
    from ..readers.options import typed
    from ..readers.tree import KINDS, told, walk

    listed = root.is_file() and root.suffix.lower() in (".csv", ".tsv", ".txt", ".gz")
    known = {"path_column": "path", "root": "", "prefix": ""} if listed else {}
    if unknown := [name for name in options if name not in known]:
        takes = f"takes {', '.join(known)}" if known else "is a folder and takes none"
        raise DataError(f"--option {unknown[0]}: {root} {takes}.")
    if listed:
        top = Path(options.get("root") or root.parent).resolve()
        paths = table.films(root, **{name: typed(name, value, known[name]) for name, value in options.items()})
        return paths, [path.relative_to(top).as_posix() for path in paths], []
    if not root.is_dir():
        raise DataError(f"{root}: not a folder. Give the folder that holds the images.")
    images, _, left = walk(root)
    if not images:
        raise DataError(f"{root}: no images in it ({KINDS}). Give the folder with them.")
    return [root.joinpath(*names) for names in images], ["/".join(names) for names in images], told(root, left)


def write(table, card, out, note):
    """Write the table, and before it the note of what made it: a kill in between leaves a table that is still known."""
    content = for_spreadsheets(table)
    told = {key: card[key] for key in ("notice", "trained_on", "operating_point", "versions", "files")}
    told |= {"images": len(table), "scored": int((table["problem"] == "").sum())}
    told |= {"csv_sha256": hashlib.sha256(content).hexdigest()}
    if out.exists():
        told["replaces_sha256"] = digest(out)
    files.write(note, json.dumps(told, indent=1) + "\n")
    files.write(out, content)
