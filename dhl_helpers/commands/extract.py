"""`extract`: the features of a data set of any size, on this machine or on a cluster, into a file that may grow."""

from contextlib import nullcontext
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
        "folder has one row per image. With --format parquet the result is one table instead, with labels, patients "
        "and parts, for load_embeddings or --dataset embeddings. Not for diagnosis.",
    )  # fmt: skip
    parser.add_argument("--dataset", required=True, metavar="NAME", help="data set, for instance nih, chexpert, folder")
    parser.add_argument("--data-dir", default="", metavar="DIR", help="where it lies: for all workers the same path")
    add_option(parser, "the reader, for instance --option lateral True")
    parser.add_argument("--out", required=True, metavar="DIR", help="the file of features, for instance features.zarr")
    parser.add_argument("--pretrained", default="simulated", metavar="NAME",
                        help="the base: simulated (default), EfficientNetLite0, a network of keras.applications, or a "
                        "file that base.save wrote (.keras)")
    parser.add_argument("--weights", default=None, metavar="FILE", help="its weights: a file, or imagenet")
    parser.add_argument("--cut", default="last", choices=["last", "stages"], help="of EfficientNetLite0; default: last")
    parser.add_argument("--format", default="zarr", choices=["zarr", "parquet"], help="a folder that grows, or a table")
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
    shipped = args.pretrained in ("simulated", "EfficientNetLite0") or args.pretrained.endswith(".keras")
    if not (shipped or args.weights):
        raise DataError(f"--pretrained {args.pretrained} needs --weights: a file, or imagenet.")
    if args.head and args.format == "parquet":
        raise DataError("--head reads the folder of features; leave out --format parquet.")
    try_out(args.out if args.format == "zarr" else Path(args.out).absolute().parent)
    if args.format == "zarr" or args.scheduler or args.workers:
        from ..scale import cluster
    from ..data import load_dataset
    from ..splitting import parts_of

    options = ({"on_error": "skip"} if args.skip else {}) | options_of(args.option)
    data = load_dataset(args.dataset, args.data_dir, args.image_size, lazy=True, **options)
    if args.head and data.multilabel:
        raise DataError(f"--head: {data.name!r} has several findings per image. Take one: {data.name}:FINDING.")
    parts = parts_of(data, 0) if args.head else None  # what is wrong with them is said before the work, not after it

    from ..deep import DeepFeatures
    from ..scale import extract

    if args.format == "parquet":
        from ..scale import parquet

        parquet.check(args.out, data)
    deep = DeepFeatures(base_of(args, data.image_shape), engine=args.engine, storage=args.storage)
    if args.format == "parquet":
        workers = cluster.connect(args.scheduler, args.workers) if args.scheduler or args.workers else nullcontext()
        return print(to_parquet(args, data, deep, workers))
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


def base_of(args, image_shape):
    """The network that --pretrained, --weights and --cut name."""
    from ..pretrained import pretrained_base

    if not args.pretrained.endswith(".keras"):
        return pretrained_base(args.pretrained, image_shape, args.weights or "imagenet", cut=args.cut)
    from .._keras import keras

    try:  # safe mode: no layer may bring code along
        return keras.saving.load_model(args.pretrained, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises a dozen kinds
        why = str(error).splitlines()[0]
        raise DataError(f"{args.pretrained}: not a base that base.save wrote ({why}). Save it again.") from error


def to_parquet(args, data, deep, workers):
    """Extract, on workers where they are asked for, and write the table; returns what to say."""
    from ..scale import extract, parquet

    out = Path(args.out)
    work = out.with_name(f".{out.stem}.zarr")  # pieces: a run that was stopped goes on where it was
    with workers as client:
        features = extract(deep, data, work, client)
    rows = parquet.write_parquet(out, data, features, args.data_dir)
    features.remove()
    return (f"{out}: {rows} rows of {features.shape[1]} features; {len(data) - rows} images could not be read.\n"
            f"Load it: dhl.load_embeddings({str(out)!r})")  # fmt: skip


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
