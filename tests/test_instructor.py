"""The teacher's pages: in step with the notebooks, their times and the tested answers; the exam's key is right."""

import re

import numpy as np
import pandas as pd
import pytest
from helpers import ROOT

import dhl_helpers as dhl
from dhl_helpers.commands import _exam
from dhl_helpers.tables import replace
from tools import instructor

PLACE = ROOT / "docs" / "instructor"
PAGES = instructor.pages()


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_tables_are_in_step(page, tmp_path):
    """If not: `python -m tools.refresh --only 00` writes them again."""
    copy = tmp_path / page.name
    text = page.read_text(encoding="utf-8")
    copy.write_text(text, encoding="utf-8")
    replace(copy, PAGES[page])
    assert copy.read_text(encoding="utf-8") == text
    assert all(f"<!-- {name}:begin" in text for name in PAGES[page])


def test_schedules_are_as_long_as_they_say():
    rows = pd.read_csv(PLACE / "schedules.csv", dtype={"notebooks": str}, keep_default_na=False)
    length = rows.groupby(["schedule", "part"])["minutes"].sum()
    assert length["half-day"].sum() == 240
    assert (length["two-days"] <= 7 * 60).all() and len(length["two-days"]) == 2
    in_class = length["seven-weeks"].filter(like="in class")
    assert len(in_class) == 7 and (in_class == 90).all()
    taught = set(" ".join(rows.loc[rows["schedule"] == "seven-weeks", "notebooks"]).split())
    assert taught == {f"{number:02}" for number in range(len(list((ROOT / "notebooks").glob("*.ipynb"))))}


def answers_of(questions):
    """The numbers that earn points in part B, computed here from the words of its questions."""
    of = [[float(number.replace(",", "")) for number in re.findall(r"\d[\d,]*(?:\.\d+)?", each.replace(", ", " , "))]
          for each in questions]  # fmt: skip
    window, side, filters = of[0][0], of[0][-1], of[0][-3]
    for _ in range({"three": 3, "four": 4}[re.search("three|four", questions[0])[0]]):
        side = (side - window + 1) // 2
    wanted = [f"{side * side * filters:.0f}"]
    window, _, channels, filters = of[1]
    wanted.append(f"{(window * window * channels + 1) * filters:,.0f}")
    films, side = of[2][:2]
    memory = films * side**2 * np.array([3 * 4, 1]) / 1e9
    wanted += [f"{memory[0]:.1f} GB", f"{memory[1]:.2f} GB"]
    counts = np.array(of[3][:3])
    wanted += [f"{each:.2f}" for each in counts.sum() / (3 * counts)]
    sensitivity, specificity, rare, _, frequent, _ = of[4]
    wanted += [f"{sensitivity * share / (sensitivity * share + (1 - specificity) * (1 - share)):.2f}"
               for share in (rare / 100, frequent / 100)]  # fmt: skip
    return wanted


def test_the_numbers_of_the_key():
    """Each number in bold in part B, computed here."""
    exam, key = ((PLACE / name).read_text(encoding="utf-8") for name in ("exam.md", "exam_key.md"))
    questions = re.findall(r"^\d+\. (.+)$", exam[exam.index("## B") : exam.index("## C")], re.MULTILINE)
    wanted = answers_of(questions)
    assert re.findall(r"\*\*(\d[^*]*)\*\*", key[key.index("## B") : key.index("## C")]) == wanted


@pytest.mark.parametrize("seed", range(40))
def test_the_variants_of_the_exam(seed):
    """Every answer is right, the same again from the same seed, and shared by no other variant."""
    made = _exam.variants(seed)
    assert made == _exam.variants(seed) and made != _exam.variants(seed + 1)
    for drawn in made.values():
        wanted = answers_of([question for question, _ in drawn])
        assert [number for _, answer in drawn for number in _exam.bold(answer)] == wanted
    for (_, one), (_, other) in zip(made["A"], made["B"], strict=True):
        assert not set(_exam.bold(one)) & set(_exam.bold(other))


def test_the_exam_and_its_key_have_the_same_questions():
    exam, key = ((PLACE / name).read_text(encoding="utf-8") for name in ("exam.md", "exam_key.md"))
    assert re.findall(r"^\d+\.", exam, re.MULTILINE) == re.findall(r"^\d+\.", key, re.MULTILINE)
    assert np.isclose(np.log(3), 1.10, atol=0.005)  # question 3


def test_the_lines_about_hidden_tests_work(capsys):
    """The example of README.md, with both of its tests filled in."""
    shown = re.search(r"```python\n(.+?)```", (PLACE / "README.md").read_text(encoding="utf-8"), re.DOTALL)[1]
    answers = iter(["f([1, 1, 0, 0], [1, 1, 0, 1]) == 0.75", "f([1, 0, 0, 0, 0], [1, 1, 1, 1, 1]) == 0.2"])
    code = re.sub(r"lambda f: \.\.\.", lambda _: f"lambda f: {next(answers)}", shown)
    exec(code, {"dhl": dhl, "accuracy": lambda p, y: float(np.mean(np.equal(p, y)))})
    assert "2 of 2 points" in capsys.readouterr().out
