"""`run`: execute the series through papermill, and write its pages and its table of results."""

import os
import sys
import time
import warnings
from pathlib import Path

from ..errors import DataError
from ..files import try_out
from . import _report
from ._folder import prepare
from ._options import add_option, options_of
from ._series import NOTEBOOKS, own_kernel, parameters_of, select, typed

OWN = ("RESULTS", "OUT_DIR", "SAVE")  # the parameters that a run sets itself
BAR = "{desc:<24} {bar:24} {n_fmt}/{total_fmt} notebooks, {elapsed}"


def add_parser(subparsers):
    parser = subparsers.add_parser("run", help="execute the notebooks, on the samples or on your data")
    parser.add_argument("--dataset", metavar="NAME", help="data set, for instance sample, pneumoniamnist, chest_xray")
    parser.add_argument("--data-dir", metavar="DIR", help="where the data set lies")
    add_option(parser, "the data set's reader, for instance --option label_column finding, or on_error skip")
    parser.add_argument("--only", default="", metavar="03,04", help="numbers of the notebooks to run (default: all)")
    parser.add_argument("--out", default="build", metavar="DIR", help="where to write (default: build)")
    parser.add_argument("--notebooks", default=NOTEBOOKS, metavar="DIR", help="other notebooks, for instance my_course")
    parser.add_argument("-p", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"), dest="parameters",
                        help="set a parameter of the notebooks, for instance -p EPOCHS 20; may be repeated")
    parser.add_argument("--save", action="store_true", help="keep the fitted pipeline in OUT/pipeline, for `predict`")
    parser.add_argument("--positive", default="", metavar="CLASS", help="with --save: the class that the operating "
                        "point looks for, or several, separated by commas (default: all but the first)")
    parser.add_argument("--each-image-is-a-patient", action="store_true", dest="each_alone",
                        help="with --save: say so where nothing tells whose images they are")
    parser.add_argument("--keep-going", action="store_true", help="after a failure run the other notebooks too")
    return parser


def main(args):
    """Execute the series; every problem that can be known beforehand is raised before the first cell runs."""
    series = select(args.notebooks, args.only)
    declared = {path: parameters_of(path) for path in series}
    wanted = dict(args.parameters)
    wanted |= {name: text for name, text in (("DATASET", args.dataset), ("DATA_DIR", args.data_dir)) if text}
    for name, text in wanted.items():
        if name.endswith(("_DIR", "WEIGHTS")) and os.path.exists(text):
            wanted[name] = os.path.abspath(text)  # the notebooks run in another folder
    defaults = {name: value for each in declared.values() for name, value in each.items() if name not in OWN}
    chosen = typed(defaults, wanted)
    if options := options_of(args.option) | ({"positive": args.positive} if args.positive else {}):
        if "OPTIONS" not in defaults:
            raise DataError("--option: none of the selected notebooks has the parameter OPTIONS.")
        chosen["OPTIONS"] = chosen.get("OPTIONS", {}) | options
    if args.save and not any("SAVE" in each for each in declared.values()):
        able = [path.name[:2] for path in select(args.notebooks) if "SAVE" in parameters_of(path)]
        raise DataError(f"--save: none of the selected notebooks keeps a pipeline; {', '.join(able) or 'none'} would.")
    try_out(args.out)
    about = check_data(defaults | chosen, args.save, args.each_alone)
    about += "".join(f" {name}: {value}." for name, value in chosen.items())
    out = Path(args.out).resolve()
    kept = out / "pipeline"
    folder = prepare(out, select(args.notebooks), [kept] if args.save else [])
    own = (out / "results.csv", out / "work", kept if args.save else "")
    chosen |= {name: str(value) for name, value in zip(OWN, own, strict=True)}
    try:
        done, code = execute(series, declared, chosen, folder, args.keep_going)
        print(_report.write(out, done, [path.stem for path in series], about))
        if args.save and code == 0:
            print(f"Score other images: python -m dhl_helpers predict {kept} FOLDER --out scores.csv")
        return code
    finally:
        folder.close()


def check_data(parameters, save=False, each_alone=False):
    """Load and split the data once, so that what is wrong with them is said now and not by the third notebook.

    With `save`, the patients must be known or `each_alone` be said. Returns a sentence on what the data are.
    """
    from ..data import load_dataset
    from ..readers import named

    if "DATASET" not in parameters:
        return "Not for diagnosis."
    options = {"data_dir": parameters.get("DATA_DIR", ""), "image_size": parameters.get("IMAGE_SIZE", 96)}
    options |= parameters.get("OPTIONS", {})
    with warnings.catch_warnings(record=True) as caught:
        data = load_dataset(parameters["DATASET"], **options)
        data.split(seed=parameters.get("SEED", 0))
    for warning in caught:
        print(f"note: {warning.message}", file=sys.stderr)
    if save and not each_alone and data.patients_unknown:
        raise DataError(
            f"--save: nothing tells whose {data.patients_unknown} of the {len(data)} images are. Name the patients, "
            "for instance by --option patient_pattern or patient_column, or add --each-image-is-a-patient."
        )
    if save and not data.multilabel:
        first, *others = data.class_names
        print(f"note: the operating point looks for {', '.join(others)}, not for {first}; --positive changes that.",
              file=sys.stderr)  # fmt: skip
    return f"{named(data.name).title}: {len(data)} images. Not for diagnosis."


def execute(series, declared, chosen, folder, keep_going):
    """Run the notebooks one after another; returns name, seconds and state of each, and the exit code."""
    out = folder.out
    from nbclient.exceptions import DeadKernelError
    from papermill import PapermillExecutionError, execute_notebook
    from tqdm import tqdm

    done, code = [], 0
    with own_kernel() as kernel, tqdm(series, bar_format=BAR, leave=False, file=sys.stderr) as bar:
        for path in bar:
            bar.set_description(path.stem)
            parameters = {name: value for name, value in chosen.items() if name in declared[path]}
            start, state = time.perf_counter(), "ok"
            try:
                execute_notebook(path, out / path.name, parameters, kernel_name=kernel, progress_bar=False,
                                 cwd=path.parent)
            except (PapermillExecutionError, DeadKernelError) as error:
                state, code = "failed", 1
                bar.write(_report.failure(path.stem, out / path.name, error), file=sys.stderr)
            except KeyboardInterrupt:
                state, code = "interrupted", 130
            folder.note()
            done.append((path.stem, time.perf_counter() - start, state))
            bar.write(f"{path.stem:<26}{done[-1][1]:7.1f} s  {state}")
            if code == 130 or (code and not keep_going):
                break
    return done, code
