"""`extract`: the features of a data set of any size, on this machine or on a cluster, into a file that may grow."""

from pathlib import Path

from ..errors import DataError
from ..files import try_out, write
from ..tables import for_spreadsheets
from ._options import add_option, options_of


def add_parser(subparsers):
    parser = subparsers.add_parser(
        "extract", help="write the features of a large data set, also on several machines",
        description="Images are read when they are needed and features written piece by piece: memory does not grow "
        "with the number of images, and a run that was stopped goes on where it was. The table images.csv in the "
        "folder has one row per image. Not for diagnosis.",
    )  # fmt: skip
    parser.add_argument("--dataset", required=True, metavar="NAME", help="data set, for instance nih, chexpert, folder")
    parser.add_argument("--data-dir", default="", metavar="DIR", help="where it lies: for all workers the same path")
    add_option(parser, "the reader, for instance --option lateral True")
    parser.add_argument("--out", required=True, metavar="DIR", help="the file of features, for instance features.zarr")
    parser.add_argument("--pretrained", default="simulated", metavar="NAME",
                        help="the base: simulated (default), or a network of keras.applications")
    parser.add_argument("--weights", default=None, metavar="FILE", help="its weights: a file, or imagenet")
    parser.add_argument("--image-size", type=int, default=96, metavar="N", help="pixels (default: 96)")
    parser.add_argument("--engine", default="tensorflow", metavar="NAME", help="what computes (default: tensorflow)")
    parser.add_argument("--storage", default="float32", choices=["float32", "float16"], help="of the features on disk")
    parser.add_argument("--skip", action="store_true", help="go on where an image cannot be read: its features are NaN")
    parser.add_argument("--scheduler", default="", metavar="ADDRESS", help="a running Dask scheduler, tcp://HOST:PORT")
    parser.add_argument("--workers", type=int, default=0, metavar="N",
                        help="without --scheduler: processes on this machine (default: one for four cores)")
    parser.add_argument("--head", action="store_true",
                        help="then fit the XGBoost head on the training part, and measure it on the validation part")
    return parser


def main(args):
    """Open the data set and the network, then extract on all workers; everything that can be refused is, before."""
    if args.workers < 0 or (args.workers and args.scheduler):
        raise DataError("--workers is a number of processes to start on this machine; leave it out with --scheduler.")
    if args.pretrained != "simulated" and not args.weights:
        raise DataError(f"--pretrained {args.pretrained} needs --weights: a file, or imagenet.")
    try_out(args.out)
    from ..data import load_dataset
    from ..scale import cluster
    from ..splitting import parts_of

    options = ({"on_error": "skip"} if args.skip else {}) | options_of(args.option)
    data = load_dataset(args.dataset, args.data_dir, args.image_size, lazy=True, **options)
    if args.head and data.multilabel:
        raise DataError(f"--head: {data.name!r} has several findings an image. Take one: {data.name}:FINDING.")
    parts = parts_of(data, 0) if args.head else None  # what is wrong with them is said before the work, not after it

    from ..deep import DeepFeatures
    from ..pretrained import pretrained_base
    from ..scale import extract

    base = pretrained_base(args.pretrained, data.image_shape, args.weights)
    deep = DeepFeatures(base, engine=args.engine, storage=args.storage)
    with cluster.connect(args.scheduler, args.workers) as client:
        threads = client.nthreads()
        print(f"{len(data)} images; {len(threads)} workers with {sum(threads.values())} threads.")
        table, rows = Path(args.out, "images.csv"), for_spreadsheets(data.table)
        if table.exists() and table.read_bytes() != rows:
            raise DataError(f"{table}: of other images, or changed since. Move it away or choose another --out.")
        features = extract(deep, data, args.out, client)
        write(table, rows)
        print(f"{features.path}: {features.shape[0]} rows of {features.shape[1]} features, {features.stored.name}.")
        if args.head:
            print(measure_head(client, features, data, parts))


def measure_head(client, features, data, parts):
    """Fit XGBoost on the training part and measure it on the validation part; images without features are left out."""
    import numpy as np

    from ..evaluation import evaluate
    from ..scale.cluster import fit_xgboost

    there = np.concatenate([~np.isnan(features[row : row + features.piece]).any(1)
                            for row in range(0, len(features), features.piece)])  # fmt: skip
    train, val = (np.flatnonzero((parts == name) & there) for name in ("train", "val"))
    head = fit_xgboost(client, features, data.labels, train)
    p = head.predict_proba(features[val])
    report = evaluate(data.labels[val], p, data.class_names, data.patients[val], multilabel=data.multilabel).round(3)
    return f"XGBoost, fitted on {len(train)} images, validation part ({len(val)}):\n{report.to_string(index=False)}"
