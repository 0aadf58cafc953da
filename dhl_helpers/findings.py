"""What a notebook found: sentences that fail when the measurements stop supporting them."""

import os
import sys
from html import escape

from .course import COMMITTED
from .errors import DataError


def claim(text, holds):
    """Print a claim, and fail if it stopped being true on the data and parameters that it was written for.

    Parameters
    ----------
    text : str
        A sentence that can be false, with its numbers formatted in.
    holds : bool
        Whether the measurements bear it out.

    Raises
    ------
    AssertionError
        If `holds` is false under the committed parameters. On other data or parameters the line
        "Does not hold here: ..." is printed instead, and the notebook goes on.
    """
    if holds:
        print(f"Holds: {text}")
    elif committed():
        raise AssertionError(f"This claim of the course no longer holds: {text}")
    else:
        print(f"Does not hold here: {text}")


def finding(text, holds):
    """Show what was found as a highlighted sentence, and fail if the measurements stopped supporting it.

    Parameters
    ----------
    text : str
        What was found, as a sentence that can be false. Numbers of a training that runs in the notebook differ between
        machines and do not belong in it.
    holds : bool
        Whether the measurements support it: for a difference, whether its interval excludes zero on that side; for a
        training that runs in the notebook, with a margin of 0.01 AUC.

    Raises
    ------
    AssertionError
        If `holds` is false under the committed parameters. With other parameters or data the sentence is shown after
        "Does not hold here:", and the notebook goes on.
    DataError
        If `holds` is neither true nor false.
    """
    from IPython.display import display

    holds = _verdict(text, holds)
    if not holds and committed():
        raise AssertionError(f"This finding of the course no longer holds: {text}")
    display(Finding(text, holds))


def guard(text, holds):
    """Fail if something drifted that the text relies on; say nothing otherwise.

    Parameters
    ----------
    text : str
        What must not change, as a sentence.
    holds : bool
        Whether it is still so.

    Raises
    ------
    AssertionError
        If `holds` is false under the committed parameters. With other parameters or data nothing happens.
    DataError
        If `holds` is neither true nor false.
    """
    if not _verdict(text, holds) and committed():
        raise AssertionError(f"The course relies on this, and it no longer holds: {text}")


class Finding:
    """A finding as text for a terminal and as HTML for a notebook.

    Parameters
    ----------
    text : str
    holds : bool
    """

    def __init__(self, text, holds):
        self.text, self.holds = text, holds

    def __repr__(self):
        return f"{'Finding' if self.holds else 'Does not hold here'}: {self.text}"

    def _repr_html_(self):
        colour, label = ("#0072B2", "Finding") if self.holds else ("#D55E00", "Does not hold here")
        return (
            f"<div class='dhl-finding' style='border-left:4px solid {colour};background:{colour}1a;padding:.5em .9em;"
            f"margin:.5em 0;font-size:1.1em'><strong>{label}:</strong> {escape(self.text)}</div>"
        )


def committed():
    """bool: whether the notebook runs under the parameters, and on the sample, with which its outputs are stored."""
    parameters = vars(sys.modules["__main__"])  # a notebook's variables live there
    same = (type(parameters.get(name, value)) is type(value) and parameters.get(name, value) == value
            for name, value in COMMITTED.items())  # fmt: skip
    return all(same) and not os.environ.get("DHL_SAMPLES")


def _verdict(text, holds):
    """`holds` as a bool; a tuple or a function would count as true whatever was measured."""
    import numpy as np

    if not isinstance(holds, bool | np.bool_):
        raise DataError(f"{text!r}: `holds` is {type(holds).__name__}, not True or False. Give a comparison.")
    return bool(holds)
