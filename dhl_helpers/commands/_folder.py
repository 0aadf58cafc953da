"""The folder of a run."""

import os
import sys
from itertools import count

from ..errors import DataError
from ..files import remove, try_out
from ..locks import hold, release
from ..written import Written

MARKER = ".dhl-run"  # in the folder of a run: its lock


def prepare(out, series, more):
    """Make the folder of a run, clear it of what an earlier run wrote there, and hold it against a second run.

    Parameters
    ----------
    out : Path
    series : list of Path
        All notebooks that a run may execute.
    more : list of Path
        Pipelines that this run will save. An earlier one stays until it is replaced.

    Returns
    -------
    Folder
        To be closed at the end of the run.

    Raises
    ------
    DataError
        If files are in the way that no run has made or that were changed since, or another run writes there.
    """
    for kept in filter(os.path.lexists, more):
        from ..pipeline_files import make_room  # starts TensorFlow

        make_room(kept)
    return Folder(out, series)


class Folder:
    """The folder of a run, see `prepare`."""

    def __init__(self, out, series):
        if out.is_file():
            raise DataError(f"{out}: is a file; choose another --out.")
        try_out(out)
        self.out = out
        self.names = [f"{path.stem}{suffix}" for path in series for suffix in (".ipynb", ".html")]
        self.names += ["results.csv", "index.html"]
        busy = f"{out}: another run is writing there; wait for it or choose another --out."
        self.handle = hold(out / MARKER, busy)
        try:
            self._clear()
        except BaseException:
            release(out / MARKER, self.handle)
            raise

    def _clear(self):
        self.written, here = Written(self.out), self.here()
        if foreign := self.written.foreign(here):
            if not self.written.unfinished:
                self.written.refuse(here, "no run has made")
            self._set_aside(foreign)
        for name in filter(self.written.ours, here):
            remove(self.out / name)
        for place in ("work", "figures"):
            for path in sorted((self.out / place).rglob("*"), reverse=True):
                path.rmdir()  # only empty folders are left
            (self.out / place).mkdir(exist_ok=True)
        self.written.files, self.written.unfinished = {}, True
        self.written.keep()

    def _set_aside(self, names):
        """Move what a run that was killed had not listed yet: some of it may be the user's."""
        aside = next(place for n in count(1) if not (place := self.out / f"interrupted-{n}").exists())
        for name in names:
            (aside / name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(self.out / name, aside / name)
        print(f"note: an earlier run was killed; what it had not finished is in {aside}", file=sys.stderr)

    def here(self):
        """The files of a run that are there, as names below the folder."""
        below = [path for place in ("work", "figures") for path in (self.out / place).rglob("*")]
        below = [path.relative_to(self.out).as_posix() for path in below if path.is_symlink() or not path.is_dir()]
        return [*(name for name in self.names if os.path.lexists(self.out / name)), *below]

    def note(self, unfinished=True):
        """List the files as they are now, so that the next run may clear them away."""
        self.written.unfinished = unfinished
        self.written.note(self.here())

    def close(self):
        """List the files and let the next run in."""
        try:
            self.note(unfinished=False)
        finally:
            release(self.out / MARKER, self.handle)
