"""`benchmark`: networks, features, heads and treatments of imbalance by one fixed protocol, over several seeds."""

import sys
from pathlib import Path

from ..benchmark.models import HEADS, plan
from ..errors import DataError


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
    large, small = (load(args, size) for size in (args.image_size, args.small_size or args.image_size))

    import pandas as pd
    from tqdm import tqdm

    from ..benchmark import protocol, tables
    from ..benchmark.workbench import Workbench

    bench = Workbench(large, small, args.epochs, Path(args.cache), (args.pretrained, args.weights))
    stem = Path(args.out, f"benchmark_{args.dataset.replace(':', '-')}")
    stem.parent.mkdir(parents=True, exist_ok=True)
    table, drawn = stem.with_suffix(".csv"), {}
    done = tables.finished(table, protocol.rows_each(bench))
    todo = [model for model in plan(args.seeds, heads, args.pretrained) if model not in done]
    with tqdm(todo, unit="model", file=sys.stderr, leave=False) as bar:
        for model in bar:
            bar.set_description(str(model))
            if model.seed not in drawn:
                drawn = {model.seed: protocol.references(bench, model.seed)}
            rows = protocol.measure(bench, model, drawn[model.seed])
            tables.append(table, rows.assign(dataset=args.dataset))
            tables.count_look(table.with_name("test_looks.csv"), args.dataset, "python -m dhl_helpers benchmark")
    conditions = (
        f"{args.dataset}: {len(large)} images of {large.n_classes} classes; {large.images.shape[1]} pixels for the "
        f"article's network, {small.images.shape[1]} for the strong one and the handcrafted features; at most "
        f"{args.epochs} epochs."
    )
    print(tables.write(stem, pd.read_csv(table, keep_default_na=False, na_values=[""]), conditions, protocol.TEXT))


def load(args, size):
    """The data set at one size; DataError where an image can have several findings."""
    from ..data import load_dataset

    data = load_dataset(args.dataset, data_dir=args.data_dir, image_size=size)
    if data.multilabel:
        raise DataError(f"{data.name!r} has several findings an image. Take one: {data.name}:{data.class_names[0]}.")
    return data
