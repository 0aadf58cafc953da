"""The folder of a run."""

import os
import shutil

import psutil

from ..errors import DataError

MARKER = ".dhl-run"  # in the folder of a run: the number of its process while it lasts


def prepare(out, series, more):
    """Make `out`, remove what an earlier run wrote there, and hold it against a second run at the same time.

    Parameters
    ----------
    out : Path
    series : list of Path
        All notebooks that a run may execute.
    more : list of Path
        What this run will write besides. A kept pipeline stays where the new run keeps none.

    Raises
    ------
    DataError
        If `out` holds files that no run has made, or another run writes there.
    """
    marker, work = out / MARKER, out / "work"
    files = [out / f"{path.stem}{suffix}" for path in series for suffix in (".ipynb", ".html")]
    files += [out / "results.csv", out / "index.html", work, out / "figures", *more]
    earlier = [path for path in files if path.exists()]
    if marker.exists():
        if psutil.pid_exists(int(marker.read_text() or -1)):
            raise DataError(f"{out}: another run is writing there; wait for it or choose another --out.")
    elif earlier or out.is_file():
        raise DataError(f"{out}: holds files that no run has made; choose another --out.")
    out.mkdir(parents=True, exist_ok=True)
    marker.write_text(str(os.getpid()))
    for path in earlier:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    work.mkdir()
