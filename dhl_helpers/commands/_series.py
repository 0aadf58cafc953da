"""What the commands share: the notebooks, their parameters, and a kernel that is surely this interpreter."""

import ast
import json
import os
from contextlib import contextmanager
from pathlib import Path

from ..errors import DataError
from ..files import temporary_folder

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


def select(folder=NOTEBOOKS, only=""):
    """The numbered notebooks of a folder, in order.

    Parameters
    ----------
    folder : Path
        Where they are.
    only : str
        Numbers separated by commas, such as "03,04"; all when empty.

    Returns
    -------
    list of Path

    Raises
    ------
    DataError
        If the folder holds none, or lacks one that was asked for.
    """
    known = {path.name[:2]: path.resolve() for path in sorted(Path(folder).glob("[0-9][0-9]_*.ipynb"))}
    if not known:
        raise DataError(f"{folder}: no notebooks named like 01_load_data.ipynb. Run from a clone of the course.")
    wanted = [number.strip().zfill(2) for number in only.split(",") if number.strip()] or list(known)
    if missing := [number for number in wanted if number not in known]:
        raise DataError(f"--only {','.join(missing)}: no such notebook. There are {', '.join(known)}.")
    return [known[number] for number in sorted(set(wanted))]


def read(path):
    """A notebook; DataError where the file is none."""
    import nbformat

    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        return notebook
    except OSError:
        raise
    except Exception as error:  # nbformat and json raise many kinds
        raise DataError(f"{path}: not a notebook that can be read. Restore it from the course.") from error


def parameters_of(path):
    """The parameters of a notebook with their default values."""
    from papermill import inspect_notebook

    return {name: ast.literal_eval(each["default"]) for name, each in inspect_notebook(path).items()}


def typed(defaults, wanted):
    """The wanted parameters as values of the type of their defaults; DataError for those nobody declares."""
    if unknown := [name for name in wanted if name not in defaults]:
        raise DataError(f"-p {unknown[0]}: none of the selected notebooks has it. They have {', '.join(defaults)}.")
    values = {}
    for name, text in wanted.items():
        default = defaults[name]
        try:
            value = text if isinstance(default, str) else ast.literal_eval(text)
        except (ValueError, SyntaxError):
            value = text
        if type(value) is not type(default) and not (type(default) is float and type(value) is int):
            raise DataError(f"-p {name} {text}: takes {type(default).__name__} values, like {default!r}.")
        values[name] = value
    return values


@contextmanager
def own_kernel():
    """Within this context the kernel called python3 is the running interpreter, whatever else is registered."""
    from ipykernel.kernelspec import get_kernel_dict

    with temporary_folder() as folder:
        spec = folder / "kernels" / "python3" / "kernel.json"
        spec.parent.mkdir(parents=True)
        quiet = ["--IPKernelApp.log_level=CRITICAL"]  # its remarks on transport and shutdown would break the bar
        spec.write_text(json.dumps(get_kernel_dict(extra_arguments=quiet)), encoding="utf-8")
        path = os.pathsep.join(filter(None, [str(folder), os.environ.get("JUPYTER_PATH")]))
        ours = {"JUPYTER_PATH": path, "JUPYTER_RUNTIME_DIR": str(folder)}  # a home that is read-only will do
        before = {name: os.environ.get(name) for name in ours}
        os.environ.update(ours)
        try:
            yield "python3"
        finally:
            for name in ours:
                del os.environ[name]
            os.environ.update({name: value for name, value in before.items() if value is not None})
