"""The quiz of a notebook: read from notebooks/quizzes, shown as a form that marks itself without a server."""

import re
import tomllib
from html import escape
from pathlib import Path

from .errors import DataError

PLACE = Path(__file__).resolve().parents[1] / "notebooks" / "quizzes"

STYLE = """
.dhl-quiz fieldset { border: 1px solid #8a939c; border-radius: 4px; margin: 0 0 1rem; padding: .8rem 1rem }
.dhl-quiz legend { float: left; width: 100%; font: inherit; font-weight: 600; padding: 0; margin: 0 0 .4rem }
.dhl-quiz label { clear: both; display: block; margin: .15rem 0; padding: .25rem .5rem .25rem 2rem;
  text-indent: -1.4rem; border-left: 4px solid transparent }
.dhl-quiz label:hover { border-left-color: #8a939c } .dhl-quiz input { margin: 0 .5rem 0 0 }
.dhl-quiz .right { border-left-color: #1a7f37 } .dhl-quiz .wrong { border-left-color: #c2410c }
.dhl-quiz .right::after { content: " \\2713" } .dhl-quiz .wrong::after { content: " \\2717" }
.dhl-quiz button { font: inherit; color: inherit; background: none; border: 1px solid #8a939c; border-radius: 4px;
  padding: .25rem 1rem; margin: .4rem 0 0; cursor: pointer }
.dhl-quiz [role="status"]:empty { display: none } .dhl-quiz [role="status"] { margin: .6rem 0 0 }
"""
# One listener for all forms of a page: JupyterLab may run this before a form is part of the document.
SCRIPT = """
if (!window.dhlQuiz) { window.dhlQuiz = true; document.addEventListener("click", event => {
  const item = event.target.closest(".dhl-quiz button")?.closest("fieldset");
  if (!item) return;
  const chosen = item.querySelector(":checked"), said = item.querySelector("[role=status]");
  if (!chosen) { said.textContent = "Choose an answer first."; return; }
  const right = "right" in chosen.dataset, form = item.closest(".dhl-quiz"), all = form.querySelectorAll("fieldset");
  item.querySelectorAll("label").forEach(label => label.classList.remove("right", "wrong"));
  chosen.closest("label").classList.add(right ? "right" : "wrong");
  said.textContent = (right ? "Right. " : "Not right. ") + chosen.dataset.feedback;
  item.dataset.first ??= right;
  const done = [...all].filter(one => "first" in one.dataset);
  if (done.length == all.length) form.querySelector(":scope > [role=status]").textContent =
    `${done.filter(one => one.dataset.first == "true").length} of ${all.length} right at the first try.`;
}) }
"""


def load(number, folder=PLACE):
    """Read the quiz of a notebook.

    Parameters
    ----------
    number : str
        The notebook's two digits, such as "04".
    folder : Path
        Where the quizzes are, one `NN.toml` each.

    Returns
    -------
    list of dict
        One per question: `ask` (str) and `options`, a list of dicts with `text`, `feedback` (both str) and `right`
        (bool). Backticks mark code in all texts.

    Raises
    ------
    DataError
        If there is no such quiz, or if its file is not one: the message names the question.
    """
    path = Path(folder) / f"{number}.toml"
    if not path.is_file():
        known = ", ".join(sorted(each.stem for each in Path(folder).glob("*.toml"))) or "none"
        raise DataError(f"quiz {number!r}: there is no {path.name} in {folder}. There are: {known}.")
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not a TOML file: {error}. Compare it with another quiz.") from None
    questions = found.get("question")
    if not isinstance(questions, list) or not questions:
        raise DataError(f"{path}: no questions. Begin each with the line [[question]].")
    for place, question in enumerate(questions, 1):
        options = question.get("options", [])
        texts = [question.get("ask"), *(option.get(name) for option in options for name in ("text", "feedback"))]
        if not all(isinstance(text, str) and text.strip() for text in texts):
            raise DataError(f"{path}, question {place}: write `ask`, and `text` and `feedback` for each option.")
        for option in options:
            option.setdefault("right", False)
        if len(options) < 2 or sum(option["right"] is True for option in options) != 1:
            raise DataError(f"{path}, question {place}: needs two options or more, exactly one with right = true.")
    return questions


def quiz(number):
    """Show the quiz of a notebook as a form that marks each answer and says why it is right or wrong.

    Parameters
    ----------
    number : str
        The notebook's two digits, such as "04".

    Raises
    ------
    DataError
        If there is no such quiz.
    """
    from IPython.display import display

    questions = load(number)
    plain = [f"{place}. {question['ask']}\n" + "".join(f"   ( ) {option['text']}\n" for option in question["options"])
             for place, question in enumerate(questions, 1)]  # fmt: skip
    display({"text/html": form(number, questions), "text/plain": "\n".join(plain)}, raw=True)


def form(number, questions):
    """The questions as HTML: radio buttons, a button and feedback for each, style and script inside."""
    parts = [f'<form class="dhl-quiz" aria-label="Quiz {number}" onsubmit="return false">']
    for place, question in enumerate(questions, 1):
        parts.append(f"<fieldset><legend>{place}. {inline(question['ask'])}</legend>")
        for option in question["options"]:
            right = " data-right" if option["right"] else ""
            feedback = escape(option["feedback"].replace("`", ""))
            parts.append(f'<label><input type="radio" name="quiz-{number}-{place}"{right} '
                         f'data-feedback="{feedback}">{inline(option["text"])}</label>')  # fmt: skip
        parts.append('<button type="button">Check</button><p role="status"></p></fieldset>')
    return "\n".join([*parts, f'<p role="status"></p></form><style>{STYLE}</style><script>{SCRIPT}</script>'])


def inline(text):
    """A text as HTML, what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))
