"""Progress bars for those who watch."""

import sys


def progress(iterable=None, total=None, unit="it", description="", done=0, delay=0):
    """A tqdm bar that vanishes when done, appears after `delay` seconds, and is not drawn where nobody watches.

    Papermill, nbconvert and nbval execute a notebook without a keyboard; JupyterLab offers one. Outside a notebook the
    bar needs a terminal.
    """
    from tqdm import tqdm

    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    kernel = getattr(shell, "kernel", None)
    unwatched = None if kernel is None else not getattr(kernel, "_allow_stdin", True)  # None: tqdm looks itself
    return tqdm(iterable, description, total, leave=False, unit=unit, initial=done, delay=delay, disable=unwatched)
