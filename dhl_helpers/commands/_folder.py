"""The folder of a run."""

import os
import sys
from itertools import count

from ..errors import DataError
from ..files import aside, remove, restore, tidy
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
    return Folder(out, series, more)


class Folder:
    """The folder of a run, see `prepare`."""

    def __init__(self, out, series, kept):
        if out.is_file():
            raise DataError(f"{out}: is a file; choose another --out.")
        self.out, self.kept = out, kept
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
        for kept in self.kept:
            restore(kept)
        tidy(self.out, below=True)
        self.written = Written(self.out)
        foreign = self.written.foreign(self.here())
        for kept in self.kept:
            within = [name for name in foreign if name.startswith(f"{kept.name}/")]
            if within and is_pipeline(kept):
                foreign = [name for name in foreign if name not in within]
        if foreign and not self.written.unfinished:
            self.written.refuse(foreign, "no run has made")
        if foreign:
            self._set_aside(foreign)
        for kept in filter(os.path.lexists, self.kept):
            remove(aside(kept))
            os.replace(kept, aside(kept))
        for name in filter(self.written.ours, self.here()):
            remove(self.out / name)
        for place in ("work", "figures"):
            for path in sorted((self.out / place).rglob("*"), reverse=True):
                path.rmdir()  # only empty folders are left
            (self.out / place).mkdir(exist_ok=True)
        pipeline = {name: digests for name, digests in self.written.files.items() if name.startswith("pipeline/")}
        self.written.files, self.written.unfinished = {} if self.kept else pipeline, True
        self.written.keep()

    def _set_aside(self, names):
        """Move what a run that was killed had not listed yet: some of it may be the user's."""
        place = next(place for n in count(1) if not (place := self.out / f"interrupted-{n}").exists())
        for name in names:
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(self.out / name, place / name)
        print(f"note: an earlier run was killed; what it had not finished is in {place}", file=sys.stderr)

    def here(self):
        """The files of a run that are there, as names below the folder."""
        places = ["work", "figures", *(kept.name for kept in self.kept)]
        paths = [path for place in places for path in (self.out / place, *(self.out / place).rglob("*"))]
        paths += [self.out / name for name in self.names]
        found = (path for path in paths if path.is_symlink() or path.exists() and not path.is_dir())
        return [path.relative_to(self.out).as_posix() for path in found]

    def note(self, unfinished=True):
        """List the files as they are now, so that the next run may clear them away."""
        self.written.unfinished = unfinished
        self.written.note(self.here())

    def close(self):
        """List the files and let the next run in; an earlier pipeline goes where this run has kept another."""
        try:
            for kept in self.kept:
                restore(kept)
                remove(aside(kept))
            self.note(unfinished=False)
        finally:
            release(self.out / MARKER, self.handle)


def is_pipeline(folder):
    """Whether a folder holds a pipeline as it was saved, and nothing else."""
    from ..pipeline_files import make_room  # starts TensorFlow

    try:
        make_room(folder)
    except DataError:
        return False
    return True
