"""The tables of docs/instructor: they come from the notebooks, their measured times, and the tested wrong answers."""

import ast
import re
from html import escape

from dhl_helpers.commands import _copies, _exam
from dhl_helpers.commands._series import NOTEBOOKS, select
from dhl_helpers.points import is_check
from dhl_helpers.tables import markdown

ROOT = NOTEBOOKS.parent
PLACE = ROOT / "docs" / "instructor"


def pages():
    """The tables by page and name: {path: {name: Markdown}}; nothing where the pages are not."""
    if not PLACE.exists():
        return {}
    import nbformat
    import pandas as pd

    notebooks = {path: nbformat.read(path, as_version=4) for path in select()}
    timings = pd.read_csv(NOTEBOOKS / "results" / "timings.csv").set_index("notebook")
    schedules = pd.read_csv(PLACE / "schedules.csv", dtype=str, keep_default_na=False)
    return {
        PLACE / "goals.md": {"goals": goals(notebooks)},
        PLACE / "schedules.md": {
            "times": times(notebooks, timings),
            **{name: schedule(rows, timings) for name, rows in schedules.groupby("schedule")},
        },
        PLACE / "mistakes.md": {"answers": wrong_answers(notebooks)},
        PLACE / "syllabus.md": {"units": syllabus(notebooks)},
        PLACE / "platform.md": {"text": platform_text(notebooks)},
        PLACE / "exam.md": {"computed": _exam.numbered(question for question, _ in _exam.variants(0)["A"])},
        PLACE / "exam_key.md": {"computed": _exam.numbered(answer for _, answer in _exam.variants(0)["A"])},
    }


def link(path, title):
    """A link from docs/instructor to a notebook."""
    return f"[{title}](../../notebooks/{path.name})"


def goals(notebooks):
    """What each notebook promises, and what it needs."""
    parts = []
    for path, notebook in notebooks.items():
        title, top = notebook.cells[0].source.split("\n", 1)
        promised = re.search(r"^- .+?(?=\n\n)", top, re.MULTILINE | re.DOTALL)[0]
        needs = " ".join(re.search(r"\*\*You need\*\* (.+?)\n\n", top, re.DOTALL)[1].split())
        parts.append(f"## {link(path, title.lstrip('# '))}\n\n{promised}\n\nNeeds {needs[0].lower()}{needs[1:]}")
    return "\n\n".join(parts)


def facts(notebook):
    """What a notebook says of itself: its title, minutes for reading and for the exercises, points of each exercise."""
    top = notebook.cells[0].source
    reading, exercises = re.search(r"read(?:ing:)? (\d+) min.+?exercises:? (\d+) min", top, re.DOTALL).groups()
    points = [points for *_, points in _copies.exercises(notebook)]
    return top.split("\n")[0].lstrip("# "), int(reading), int(exercises), points


def questions(notebooks):
    """The question that each notebook answers, by the name of its file.

    It stands in the map in 00, `| title | question |`; where the map has none, the first sentence takes its place.
    """
    first = next(notebook for path, notebook in notebooks.items() if path.name.startswith("00"))
    text = "\n".join(cell.source for cell in first.cells if cell.cell_type == "markdown")
    asked = {title.strip("[ ").split("]")[0]: words.strip() for title, words in re.findall(
        r"^\| *(\[?\d\d [^|]+?) *\| *([^|]+?) *\|", text, re.MULTILINE)}  # fmt: skip
    return {
        path.name: asked.get(facts(notebook)[0])
        or re.split(r"(?<=\.)\s", " ".join(notebook.cells[0].source.split("\n\n")[1].split()))[0]
        for path, notebook in notebooks.items()
    }


def times(notebooks, timings):
    """Measured seconds and memory, estimated minutes, exercises and points."""
    import pandas as pd

    rows = []
    for path, notebook in notebooks.items():
        title, reading, exercises, points = facts(notebook)
        measured = ["", ""]
        if path.stem in timings.index:
            measured = [f"{timings['seconds'][path.stem]:.0f}", f"{timings['memory_mb'][path.stem] / 1000:.1f}"]
        rows.append((link(path, title), *measured, reading, exercises, len(points), sum(points)))
    head = ["notebook", "run, s", "memory, GB", "reading, min", "exercises, min", "exercises", "points"]
    return markdown(pd.DataFrame(rows, columns=head))


def syllabus(notebooks):
    """The units of the course with their questions, minutes and points, and the sums."""
    import pandas as pd

    rows, asked = [], questions(notebooks)
    for path, notebook in notebooks.items():
        title, reading, exercises, points = facts(notebook)
        rows.append((link(path, title), asked[path.name], reading + exercises, sum(points)))
    total = ("**All**", "", *(sum(row[place] for row in rows) for place in (2, 3)))
    return markdown(pd.DataFrame([*rows, total], columns=["unit", "question", "minutes", "points"]))


def platform_text(notebooks):
    """The course as HTML to paste into a learning platform: what it is, its units, how it is marked."""
    asked = questions(notebooks)
    minutes = points = 0
    units = []
    for path, notebook in notebooks.items():
        title, reading, exercises, earned = facts(notebook)
        minutes, points = minutes + reading + exercises, points + sum(earned)
        units.append(f"<li><b>{escape(title)}</b>: {escape(asked[path.name])} ({reading + exercises} minutes, "
                     f"{sum(earned)} points)</li>")  # fmt: skip
    return "\n".join([
        "```html",
        "<h3>Deep Hybrid Learning for radiographs</h3>",
        "<p>A convolutional network turns a radiograph into features, and a classical classifier decides on them.",
        "You build this method step by step in Jupyter notebooks, and measure honestly what it gains. You need a",
        "little Python and NumPy, no medical knowledge, and no graphics card. The sample radiographs are simulated;",
        "nothing in this course is for diagnosis.</p>",
        f"<p>{len(units)} units, about {minutes / 60:.0f} hours of reading and exercises, {points} points.</p>",
        "<ol start=\"0\">",
        *units,
        "</ol>",
        "<p>Each unit has exercises that check themselves, and a quiz with feedback. Hand in the notebook under",
        "the name that it has.</p>",
        "```",
    ])  # fmt: skip


def schedule(rows, timings):
    """One schedule, with the time of day counted from the start of each part, and the measured run times."""
    import pandas as pd

    seconds = {name[:2]: value for name, value in timings["seconds"].items()}
    whole = rows["part"].nunique() < len(rows)
    lines, part, clock = [], None, 0
    for row in rows.itertuples():
        clock = 0 if row.part != part else clock
        run = sum(seconds.get(number, 0) for number in row.notebooks.split())
        line = [row.part if row.part != part else "", row.minutes, row.what, row.notebooks, f"{run:.0f}" if run else ""]
        lines.append([f"{clock // 60}:{clock % 60:02}", *line] if whole else line)
        part, clock = row.part, clock + int(row.minutes)
    head = [*(["at"] if whole else []), "part", "minutes", "what", "notebooks", "run, s"]
    return markdown(pd.DataFrame(lines, columns=head))


def wrong_answers(notebooks):
    """What each tested wrong answer does, and the hint that it gets."""
    import pandas as pd

    rows = []
    for path, notebook in notebooks.items():
        file = ROOT / "tests" / "wrong_answers" / f"{path.stem[:2]}.py"
        hints = {name: _hints(check) for name, _, check, _ in _copies.exercises(notebook)}
        for node in ast.parse(file.read_text(encoding="utf-8")).body if file.exists() else []:
            if isinstance(node, ast.FunctionDef):
                exercise, mistake = node.name.split("__")
                words = ast.get_docstring(node)
                hint = next(hint for hint in hints[exercise] if words in hint)
                rows.append((path.stem[:2], f"`{exercise}`", mistake.replace("_", " "), hint.replace("|", r"\|")))
    return markdown(pd.DataFrame(rows, columns=["notebook", "exercise", "the answer", "the hint it gets"]))


def _hints(check):
    call = next(node for node in ast.walk(ast.parse(check.source)) if is_check(node))
    return [test.elts[2].value for test in call.args[1].elts]
