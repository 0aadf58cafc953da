"""What the course wrote into a folder: only that is ever replaced or removed there."""

import hashlib
import json
import sys
from pathlib import Path

from .errors import DataError, listing
from .files import digest, write

MANIFEST = ".written.json"


class Written:
    """The files that the course wrote into a folder, by name and digest, as kept in the folder's `.written.json`.

    A file that is not named there, or has another content by now, is the user's.

    Parameters
    ----------
    folder : Path
        A damaged list counts as none, and that is said.

    Attributes
    ----------
    files : dict of str to list of str
        Names below the folder, each with the SHA-256 of what was written there; two while a file is being replaced.
    unfinished : bool
        Whether the process that wrote there was stopped before it had listed everything.
    """

    def __init__(self, folder):
        self.folder, self.files, self.unfinished = Path(folder), {}, False
        list_of_files = self.folder / MANIFEST
        try:
            kept = json.loads(list_of_files.read_bytes())
            files = {name: [str(each) for each in digests] for name, digests in kept["files"].items()}
            self.files, self.unfinished = files, bool(kept["unfinished"])
        except FileNotFoundError:
            pass
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            print(f"note: {list_of_files} is damaged; what lies beside it counts as yours.", file=sys.stderr)

    def ours(self, name):
        """Whether the file is there with a content that the course wrote: bool."""
        path = self.folder / name
        return name in self.files and path.is_file() and not path.is_symlink() and digest(path) in self.files[name]

    def foreign(self, names):
        """Those of the names that are there and not ours: list of str."""
        paths = ((name, self.folder / name) for name in names)
        return [name for name, path in paths if (path.exists() or path.is_symlink()) and not self.ours(name)]

    def refuse(self, names, made="this command has not made"):
        """Raise a DataError that lists those of the names that are there and not ours."""
        if foreign := self.foreign(names):
            raise DataError(
                f"{self.folder}: holds files that {made}, or that were changed since. Move them away or choose "
                f"another --out:\n{listing(foreign)}"
            )

    def write(self, name, content):
        """Write a file, text or bytes, after its digest is listed: a kill in between leaves one that is known."""
        content = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
        path = self.folder / name
        before, after = [digest(path)] if self.ours(name) else [], hashlib.sha256(content).hexdigest()
        self.files[name] = list(dict.fromkeys([*before, after]))
        path.parent.mkdir(parents=True, exist_ok=True)
        self.keep()
        write(path, content)

    def note(self, names):
        """List files as they are now; those that are not there any more are taken off the list."""
        for name in names:
            self.files.pop(name, None)
            if (self.folder / name).is_file():
                self.files[name] = [digest(self.folder / name)]
        self.keep()

    def keep(self):
        """Write the list."""
        text = json.dumps({"unfinished": self.unfinished, "files": self.files}, indent=1)
        write(self.folder / MANIFEST, text + "\n")
