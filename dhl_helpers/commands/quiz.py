"""`quiz`: the quizzes for a learning platform, as GIFT (Moodle) and as QTI 2.1 (Canvas, Blackboard, OpenOlat, TAO)."""

import io
import re
import zipfile
from pathlib import Path

from ..files import try_out
from ..locks import LOCK, lock
from ..quizzes import PLACE, inline, load
from ..written import Written
from ._series import NOTEBOOKS, select

ITEM = """<?xml version="1.0" encoding="UTF-8"?>
<assessmentItem xmlns="http://www.imsglobal.org/xsd/imsqti_v2p1" identifier="{name}" title="{title}"
 adaptive="false" timeDependent="false">
<responseDeclaration identifier="RESPONSE" cardinality="single" baseType="identifier">
<correctResponse><value>{right}</value></correctResponse></responseDeclaration>
<outcomeDeclaration identifier="SCORE" cardinality="single" baseType="float">
<defaultValue><value>0</value></defaultValue></outcomeDeclaration>
<outcomeDeclaration identifier="FEEDBACK" cardinality="single" baseType="identifier"/>
<itemBody><choiceInteraction responseIdentifier="RESPONSE" shuffle="true" maxChoices="1">
<prompt>{ask}</prompt>
{choices}
</choiceInteraction></itemBody>
<responseProcessing>
<responseCondition><responseIf><match><variable identifier="RESPONSE"/><correct identifier="RESPONSE"/></match>
<setOutcomeValue identifier="SCORE"><baseValue baseType="float">1</baseValue></setOutcomeValue></responseIf>
</responseCondition>
<setOutcomeValue identifier="FEEDBACK"><variable identifier="RESPONSE"/></setOutcomeValue>
</responseProcessing>
{feedback}
</assessmentItem>
"""
TEST = """<?xml version="1.0" encoding="UTF-8"?>
<assessmentTest xmlns="http://www.imsglobal.org/xsd/imsqti_v2p1" identifier="quiz-{number}" title="{title}">
<testPart identifier="part" navigationMode="nonlinear" submissionMode="individual">
<assessmentSection identifier="section" title="{title}" visible="true">
{items}
</assessmentSection></testPart></assessmentTest>
"""
MANIFEST = """<?xml version="1.0" encoding="UTF-8"?>
<manifest xmlns="http://www.imsglobal.org/xsd/imscp_v1p1" identifier="quiz-{number}-package">
<metadata><schema>QTIv2.1 Package</schema><schemaversion>1.0.0</schemaversion></metadata>
<organizations/>
<resources><resource identifier="test" type="imsqti_test_xmlv2p1" href="test.xml"><file href="test.xml"/>
{needs}
</resource>
{items}
</resources></manifest>
"""


def add_parser(subparsers):
    parser = subparsers.add_parser("quiz", help="write the quizzes as GIFT and QTI for a learning platform")
    parser.add_argument("--out", default="build/quizzes", metavar="DIR", help="where to write (default: build/quizzes)")
    parser.add_argument("--only", default="", metavar="03,04", help="numbers of the notebooks (default: all)")
    parser.add_argument("--quizzes", default=PLACE, metavar="DIR", help="where the NN.toml are")
    return parser


def main(args):
    """Write NN.gift.txt and NN.qti.zip of each quiz."""
    series = {path.name[:2]: path.stem for path in select(NOTEBOOKS, args.only)}
    quizzes = {number: load(number, args.quizzes) for number in series}
    out = Path(args.out)
    try_out(out)
    with lock(out / LOCK):
        written = Written(out)
        written.refuse([f"{number}.{kind}" for number in series for kind in ("gift.txt", "qti.zip")])
        for number, questions in quizzes.items():
            written.write(f"{number}.gift.txt", gift(number, questions))
            written.write(f"{number}.qti.zip", package(qti(number, questions)))
            print(f"{series[number]:<26}{len(questions):3d} questions")
    print(f"In {out}: *.gift.txt for Moodle; *.qti.zip for Canvas, Blackboard, OpenOlat, TAO.")


def package(files):
    """The bytes of a zip file with these files; the same files give the same bytes."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return made.getvalue()


def gift(number, questions):
    """A quiz in Moodle's text format GIFT: a category, then each question with feedback for every option."""
    parts = [f"$CATEGORY: $course$/Deep Hybrid Learning/{number}\n"]
    for place, question in enumerate(questions, 1):
        parts.append(f"::{number}-{place}::[html]{_gift(question['ask'])} {{")
        parts += [f"{'=' if option['right'] else '~'}{_gift(option['text'])}#{_gift(option['feedback'])}"
                  for option in question["options"]]  # fmt: skip
        parts.append("}\n")
    return "\n".join(parts)


def _gift(text):
    """A text as HTML with what GIFT reserves escaped."""
    return re.sub(r"([~=#{}:\\])", r"\\\1", inline(text))


def qti(number, questions):
    """A quiz as the files of a QTI 2.1 package: {name: XML}."""
    title, files = f"Deep Hybrid Learning: quiz of notebook {number}", {}
    names = [f"quiz-{number}-{place}" for place in range(1, len(questions) + 1)]
    for name, question in zip(names, questions, strict=True):
        options = [(chr(ord("A") + place), option) for place, option in enumerate(question["options"])]
        files[f"{name}.xml"] = ITEM.format(
            name=name, title=name, ask=inline(question["ask"]),
            right=next(letter for letter, option in options if option["right"]),
            choices="\n".join(f'<simpleChoice identifier="{letter}">{inline(option["text"])}</simpleChoice>'
                              for letter, option in options),
            feedback="\n".join(f'<modalFeedback outcomeIdentifier="FEEDBACK" identifier="{letter}" showHide="show">'
                               f"{inline(option['feedback'])}</modalFeedback>" for letter, option in options),
        )  # fmt: skip
    files["test.xml"] = TEST.format(number=number, title=title, items="\n".join(
        f'<assessmentItemRef identifier="{name}" href="{name}.xml"/>' for name in names))  # fmt: skip
    resource = '<resource identifier="{0}" type="imsqti_item_xmlv2p1" href="{0}.xml"><file href="{0}.xml"/></resource>'
    files["imsmanifest.xml"] = MANIFEST.format(
        number=number, needs="\n".join(f'<dependency identifierref="{name}"/>' for name in names),
        items="\n".join(resource.format(name) for name in names),
    )  # fmt: skip
    return files
