"""`benchmark`: networks, features, heads and treatments of imbalance by one fixed protocol, over several seeds."""

import sys
from pathlib import Path

from ..benchmark.models import HEADS, plan
from ..errors import DataError
from ..files import try_out
from ..locks import LOCK, lock

BY = "python -m dhl_helpers benchmark"  # in the log of looks at test parts


def add_parser(subparsers):
    parser = subparsers.add_parser("benchmark", help="compare networks, features, heads and treatments over seeds")
    parser.add_argument("--dataset", default="sample", metavar="NAME", help="data set (default: sample)")
    parser.add_argument("--data-dir", default="", metavar="DIR", help="where the data set lies")
    parser.add_argument("--out", default="build/benchmark", metavar="DIR", help="where the results go; a run that was "
                        "stopped goes on from what is there (default: build/benchmark)")
    parser.add_argument("--cache", default="build/benchmark/cache", metavar="DIR", help="trained networks and features")
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="seeds 0 to N - 1 (default: 5)")
    parser.add_argument("--epochs", type=int, default=24, metavar="N", help="passes of the networks (default: 24)")
    parser.add_argument("--image-size", type=int, default=96, metavar="N", help="pixels, for the article's network")
    parser.add_argument("--small-size", type=int, default=0, metavar="N",
                        help="pixels, for the strong CNN and the handcrafted features (default: --image-size)")
    parser.add_argument("--heads", default=",".join(HEADS), metavar="A,B", help=f"some of {', '.join(HEADS)}")
    parser.add_argument("--pretrained", default="", metavar="NAME", help="a network of keras.applications")
    parser.add_argument("--weights", default="", metavar="FILE", help="its weights: a file, or imagenet")
    return parser


def main(args):
    """Measure whatever is not yet in the table, then rank and draw all of it."""
    heads = [name for name in args.heads.split(",") if name]
    if unknown := set(heads) - set(HEADS):
        raise DataError(f"--heads {','.join(sorted(unknown))}: there are {', '.join(HEADS)}.")
    if args.seeds < 1 or args.epochs < 1 or bool(args.pretrained) != bool(args.weights):
        raise DataError("--seeds and --epochs are 1 or more, and --pretrained and --weights are given together.")
    for folder in (args.out, args.cache):
        try_out(folder)
    large, small = (load(args, size) for size in (args.image_size, args.small_size or args.image_size))

    import pandas as pd
    from tqdm import tqdm

    from ..benchmark import protocol, tables
    from ..benchmark.workbench import Workbench

    stem = Path(args.out, f"benchmark_{args.dataset.replace(':', '-')}")
    table, log, drawn = stem.with_suffix(".csv"), stem.with_name("test_looks.csv"), {}
    with lock(stem.with_name(LOCK), f"{stem.parent}: another benchmark is writing there; choose another --out."):
        tables.prepare(stem)
        bench = Workbench(large, small, args.epochs, Path(args.cache), (args.pretrained, args.weights))
        done = tables.finished(table, protocol.rows_each(bench))
        tables.count_look(log, args.dataset, BY, len(done) - tables.looks_counted(log, args.dataset, BY))
        todo = [model for model in plan(args.seeds, heads, args.pretrained) if model not in done]
        with tqdm(todo, unit="model", file=sys.stderr, leave=False) as bar:
            for model in bar:
                bar.set_description(str(model))
                if model.seed not in drawn:
                    drawn = {model.seed: protocol.references(bench, model.seed)}
                rows = protocol.measure(bench, model, drawn[model.seed])
                tables.append(table, rows.assign(dataset=args.dataset))
                tables.count_look(log, args.dataset, BY)
        results = pd.read_csv(table, keep_default_na=False, na_values=[""])
        print(tables.write(stem, results, conditions(args, large, small), protocol.TEXT))


def conditions(args, large, small):
    """A sentence on what was measured."""
    return (
        f"{args.dataset}: {len(large)} images of {large.n_classes} classes; {large.images.shape[1]} pixels for the "
        f"article's network, {small.images.shape[1]} for the strong one and the handcrafted features; at most "
        f"{args.epochs} epochs."
    )


def load(args, size):
    """The data set at one size; DataError where an image can have several findings."""
    from ..data import load_dataset

    data = load_dataset(args.dataset, data_dir=args.data_dir, image_size=size)
    if data.multilabel:
        raise DataError(f"{data.name!r} has several findings per image. Take one: {data.name}:{data.class_names[0]}.")
    return data
