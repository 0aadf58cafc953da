"""The check of an exercise: what is right, what is wrong and why."""

import contextlib
import functools
import sys
import traceback
from html import escape

import numpy as np

NOT_DONE = "Not done yet. Replace the line `raise NotImplementedError` above, then run both cells again."
LONGEST = 300  # characters shown of a value or a line of it


class Points(int):
    """Points earned. nbgrader reads the number from the output of the cell; a notebook shows nothing for it."""

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/plain": str(int(self)), "text/html": ""}


class Verdict:
    """What a check found, as text for a terminal and as HTML for a notebook.

    Parameters
    ----------
    marks : list of (bool, str, str)
        Whether a test passed, what it expected, and what to say if it did not.
    raised : str
        The traceback of the first exception of the reader's code, or nothing.
    """

    def __init__(self, marks, raised=""):
        self.marks, self.raised = marks, raised
        self.total = f"{sum(right for right, _, _ in marks)} of {len(marks)} points"

    def __repr__(self):
        lines = [self.raised.rstrip()] if self.raised else []
        for right, expectation, said in self.marks:
            lines.append(f"right: {expectation}" if right else f"wrong: {expectation}")
            lines += [] if right else [f"       {line}" for line in said.splitlines()]
        return "\n".join([*lines, self.total])

    def _repr_html_(self):
        parts = [f"<pre style='white-space:pre-wrap'>{escape(self.raised.rstrip())}</pre>"] if self.raised else []
        for right, expectation, said in self.marks:
            colour, mark = ("#1a7f37", "&#10004; right") if right else ("#c2410c", "&#10008; wrong")
            told = "" if right else "".join(f"<div>{escape(line)}</div>" for line in said.splitlines())
            parts.append(
                f"<div style='border-left:4px solid {colour};padding:.15em .7em;margin:.25em 0'>"
                f"<strong>{mark}</strong>: {escape(expectation)}{told}</div>"
            )
        return "".join([*parts, f"<div style='padding:.15em .7em'><strong>{self.total}</strong></div>"])


def check(function, tests):
    """Check an exercise and show what is right, what is wrong and why. Never raises.

    An exception of the reader's code comes first, whole. A failed test shows what the function returned, then its hint.

    Parameters
    ----------
    function : callable
        The reader's solution.
    tests : list of (str, callable, str)
        What should be true; a function of `function` that says whether it is; a hint for when it is not.

    Returns
    -------
    Points
        One for each test passed. nbgrader reads the last value of a cell as partial credit.
    """
    from IPython.display import display

    from .points import keep_points, key

    marks, raised = [], ""
    for expectation, test, hint in tests:
        returned = []
        recorded = _recorded(function, returned)
        try:
            with contextlib.redirect_stderr(sys.stdout):  # a warning is no mistake, but nbgrader takes stderr for one
                right, said = bool(test(recorded)), _received(returned)
        except NotImplementedError:
            print(NOT_DONE)
            return Points(0)
        except Exception as error:  # whatever a learner's code raises is an answer to explain, not a crash
            right, said = False, f"Your code raised {type(error).__name__}: {error}"
            if returned:  # the function itself ended; its answer broke the test
                said = _received(returned)
                said += "" if returned[0] is None else f"\nThe check failed on it with {type(error).__name__}: {error}"
            raised = raised or _traceback(error)
        marks.append((right, expectation, f"{said}\n{hint}".strip()))
    display(Verdict(marks, raised))
    points = Points(sum(right for right, _, _ in marks))
    keep_points(key(function.__name__, tests[0][0]), points)
    return points


def _recorded(function, returned):
    """The function, which also keeps the last value that it returned in the list `returned`."""
    if isinstance(function, type):
        return function

    @functools.wraps(function)
    def call(*args, **kwargs):
        returned.clear()
        returned.append(function(*args, **kwargs))
        return returned[0]

    return call


def _received(returned):
    """Say what the function returned last."""
    if not returned:
        return ""
    [value] = returned
    if value is None:
        return "Your function returned None: is `return` missing?"
    with np.printoptions(threshold=12, edgeitems=3, precision=4, suppress=True):
        text = " ".join(repr(value).split())
    shape = f", of shape {value.shape}" if getattr(value, "shape", ()) else ""
    return f"Your function returned {text[:LONGEST]}{' ...' if len(text) > LONGEST else ''}{shape}."


def _traceback(error):
    """The traceback from the reader's code on, without the frames of the check; nothing if none of it is theirs."""
    frames = error.__traceback__
    while frames and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    frames = frames and frames.tb_next  # the test itself
    while frames and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    return "".join(traceback.format_exception(type(error), error, frames)) if frames else ""
