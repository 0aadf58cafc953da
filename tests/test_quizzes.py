"""The quizzes: their files, the form that marks itself, and what a learning platform gets."""

import collections
import re
import xml.etree.ElementTree as ET
import zipfile
from html.parser import HTMLParser

import pytest
from helpers import PATHS, each_notebook

import dhl_helpers as dhl
from dhl_helpers import quizzes
from dhl_helpers.__main__ import main

QTI = "{http://www.imsglobal.org/xsd/imsqti_v2p1}"
PACKAGE = "{http://www.imsglobal.org/xsd/imscp_v1p1}"
GOOD = """[[question]]
ask = "What is `a < b & c`?"
options = [
  { text = "wrong {~=#:}", feedback = "No \\\\ 'way'" },
  { text = "right \\"yes\\"", right = true, feedback = "Yes: a<b" },
]
"""


@each_notebook
def test_each_notebook_has_a_quiz(path):
    """Three to five questions; each option says why; no option is there twice."""
    questions = quizzes.load(path.name[:2])
    assert 3 <= len(questions) <= 5
    for question in questions:
        options = question["options"]
        assert 3 <= len(options) <= 5
        for name in ("text", "feedback"):
            assert len({option[name] for option in options}) == len(options)
        assert all(len(option["feedback"]) >= 20 for option in options)


def test_the_place_of_the_right_option_does_not_give_it_away():
    places = collections.Counter()
    for path in PATHS:
        for question in quizzes.load(path.name[:2]):
            places[next(place for place, option in enumerate(question["options"]) if option["right"])] += 1
    assert all(places[place] < 0.45 * places.total() for place in places) and len(places) >= 3


@pytest.mark.parametrize("text, said", [
    ("", "no questions"), ("[[question]\n", "not a TOML file"), ("question = 3", "no questions"),
    (GOOD.replace(", right = true", ""), "question 1"), (GOOD.replace(', feedback = "Yes: a<b"', ""), "question 1"),
    (GOOD.replace("ask =", "asked ="), "question 1"),
    (GOOD + GOOD.replace('text = "wrong', 'words = "wrong'), "question 2"),
    (GOOD.replace('"Yes: a<b"', '"  "'), "question 1"), (GOOD.replace("right = true", 'right = "yes"'), "question 1"),
    (GOOD.replace("feedback = \"No", 'right = true, feedback = "No'), "exactly one"),
])  # fmt: skip
def test_bad_files_are_named(tmp_path, text, said):
    (tmp_path / "04.toml").write_text(text, encoding="utf-8")
    with pytest.raises(dhl.DataError, match=said) as raised:
        quizzes.load("04", tmp_path)
    assert "04.toml" in str(raised.value)


def test_an_unknown_quiz_is_an_error_that_lists_the_others():
    with pytest.raises(dhl.DataError, match="99.toml.*00, 01, 02"):
        dhl.quiz("99")


class Form(HTMLParser):
    """The radio buttons of a form: (name, right, feedback); and its other tags."""

    def __init__(self, text):
        super().__init__()
        self.radios, self.tags = [], collections.Counter()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags[tag] += 1
        if tag == "input":
            self.radios.append((attributes["name"], "data-right" in attributes, attributes["data-feedback"]))


def test_the_form_holds_what_the_file_says(tmp_path):
    (tmp_path / "04.toml").write_text(GOOD, encoding="utf-8")
    made = quizzes.form("04", quizzes.load("04", tmp_path))
    form = Form(made)
    assert form.radios == [("quiz-04-1", False, "No \\ 'way'"), ("quiz-04-1", True, "Yes: a<b")]
    assert form.tags["fieldset"] == form.tags["button"] == form.tags["legend"] == 1 and form.tags["script"] == 1
    assert "<code>a &lt; b &amp; c</code>" in made and "\n\n" not in made, "a blank line would end it in Markdown"


def test_quiz_shows_the_form_and_as_text_the_questions(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    dhl.quiz("04")
    [data] = shown
    assert data["text/html"] == quizzes.form("04", quizzes.load("04"))
    assert data["text/plain"].count("( )") == sum(len(question["options"]) for question in quizzes.load("04"))


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    out = tmp_path_factory.mktemp("quizzes")
    assert not main(["quiz", "--out", str(out)])
    return out


def read_gift(text):
    """A reader of GIFT that knows no more than these files need: [(question, [(right, option, feedback)])]."""
    found, items = [], re.compile(r"^::(.+?)::\[html\](.+?) (?<!\\)\{\n(.+?)\n(?<!\\)\}", re.MULTILINE | re.DOTALL)
    for name, question, answers in items.findall(text):
        options = []
        for line in answers.split("\n"):
            option, feedback = re.split(r"(?<!\\)#", line[1:])
            options.append((line[0] == "=", *(re.sub(r"\\(.)", r"\1", each) for each in (option, feedback))))
        found.append((name, re.sub(r"\\(.)", r"\1", question), options))
    return found


@each_notebook
def test_gift(exported, path):
    number = path.name[:2]
    text = (exported / f"{number}.gift.txt").read_text(encoding="utf-8")
    assert text.startswith("$CATEGORY: ")
    wanted = [
        (f"{number}-{place}", quizzes.inline(question["ask"]),
         [(option["right"], quizzes.inline(option["text"]), quizzes.inline(option["feedback"]))
          for option in question["options"]])
        for place, question in enumerate(quizzes.load(number), 1)
    ]  # fmt: skip
    assert read_gift(text) == wanted


@each_notebook
def test_qti(exported, path):
    """The manifest lists every file, and each item rewards the option that is right and has feedback for all."""
    number = path.name[:2]
    with zipfile.ZipFile(exported / f"{number}.qti.zip") as package:
        files = {name: ET.fromstring(package.read(name)) for name in package.namelist()}
    listed = {file.get("href") for file in files["imsmanifest.xml"].iter(f"{PACKAGE}file")}
    assert listed == set(files) - {"imsmanifest.xml"}
    items = [reference.get("href") for reference in files["test.xml"].iter(f"{QTI}assessmentItemRef")]
    for name, question in zip(items, quizzes.load(number), strict=True):
        root = files[name]
        text = {choice.get("identifier"): "".join(choice.itertext()) for choice in root.iter(f"{QTI}simpleChoice")}
        said = {each.get("identifier"): "".join(each.itertext()) for each in root.iter(f"{QTI}modalFeedback")}
        [right] = [value.text for value in root.iterfind(f".//{QTI}correctResponse/{QTI}value")]
        plain = [{key: option[key].replace("`", "") for key in ("text", "feedback")} for option in question["options"]]
        assert list(text.values()) == [option["text"] for option in plain]
        assert list(said.values()) == [option["feedback"] for option in plain] and list(said) == list(text)
        assert question["options"][list(text).index(right)]["right"]
        assert "".join(root.find(f".//{QTI}prompt").itertext()) == question["ask"].replace("`", "")


def test_special_characters_survive(tmp_path):
    (tmp_path / "04.toml").write_text(GOOD, encoding="utf-8")
    assert not main(["quiz", "--only", "04", "--quizzes", str(tmp_path), "--out", str(tmp_path / "out")])
    [(_, ask, options)] = read_gift((tmp_path / "out" / "04.gift.txt").read_text(encoding="utf-8"))
    assert ask == "What is <code>a &lt; b &amp; c</code>?"
    assert options == [(False, "wrong {~=#:}", "No \\ 'way'"), (True, 'right "yes"', "Yes: a&lt;b")]
