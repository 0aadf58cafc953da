"""Progress bars for those who watch."""

import sys


def progress(iterable=None, total=None, unit="it", description="", done=0, delay=0):
    """A tqdm bar that vanishes when done, appears after `delay` seconds, and is not drawn where nobody watches.

    In a notebook it is a widget, because what tqdm writes to stderr stays there as an empty red block. Papermill,
    nbconvert and nbval execute a notebook without a keyboard; JupyterLab offers one. Outside a notebook the bar needs a
    terminal.
    """
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    kernel = getattr(shell, "kernel", None)
    watched = kernel is not None and getattr(kernel, "_allow_stdin", True)
    if watched:
        from tqdm.notebook import tqdm
    else:
        from tqdm import tqdm
    disable = not watched if kernel is not None else None  # None: tqdm looks for a terminal itself
    return tqdm(iterable, description, total, leave=False, unit=unit, initial=done, delay=delay, disable=disable)
