"""The book (`make book`), the teacher's (`make book-teacher`) and the slides, in the Chromium of this machine.

`make test-book` runs these with the tools of the book, in .venv-book. DHL_BROWSER=required fails where there is no
Chromium, instead of skipping what needs one.
"""

import functools
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="the book has tools of its own: make test-book")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")
pypdf = pytest.importorskip("pypdf")

ROOT = Path(__file__).resolve().parents[1]
BOOK = ROOT / "build" / "book"
TEACHERS = ROOT / "build" / "book-teacher"
DECKS = sorted((ROOT / "build" / "slides").glob("[0-9]*.html"))
PAGES = sorted(path.relative_to(BOOK).as_posix() for path in BOOK.rglob("*.html") if "_static" not in path.parts)
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
WARM_UP = sorted((ROOT / "notebooks" / "warm_up").glob("*.ipynb"))
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["book"]
# Without these Chromium asks its maker's servers for this and that.
SWITCHES = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync"]  # fmt: skip
# Colours are measured where they come to rest, not on their way there.
AT_REST = "*, *::before, *::after { transition: none !important; animation: none !important }"
# Contrast takes axe-core longest. One notebook stands for the colours of code, and these pages for those of the dark.
COLOURS_OF_CODE = "notebooks/09_what_dhl_gains.html"
COLOURS = {COLOURS_OF_CODE, "index.html", "README.html", "search.html", "docs/launch.html"}
# What a reader can work with. Tab stops at one radio button of a group, and the arrow keys reach the others.
WAYS = ("[href]", "button", "input:not([type='radio'])", "legend + label > input", "summary", "[tabindex='0']")
KEYBOARD = {"index.html", "notebooks/05_imbalance.html", "docs/glossary.html"}  # of a kind each; the others: slow
each_page = pytest.mark.parametrize("page", PAGES)


def others_slow(pages):
    """All pages, those that are not named marked slow."""
    return pytest.mark.parametrize("page", [
        page if page in pages else pytest.param(page, marks=pytest.mark.slow) for page in PAGES
    ])  # fmt: skip


class Elements(HTMLParser):
    """The start tags of a page as (tag, attributes); `inside`: those of the article alone."""

    def __init__(self, path):
        super().__init__()
        self.found, self.inside, self.reading = [], [], False
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        self.reading |= tag == "article"
        self.found.append((tag, dict(attributes)))
        if self.reading:
            self.inside.append(self.found[-1])

    def handle_endtag(self, tag):
        self.reading &= tag != "article"


@functools.cache
def elements(page):
    return Elements(BOOK / page)


def test_the_book_is_complete():
    """A page for each notebook and each page of the docs; those of the last build only."""
    assert "index.html" in PAGES and "search.html" in PAGES, "make book"
    for path in [*NOTEBOOKS, *WARM_UP, *(ROOT / "docs").rglob("*.md")]:
        assert (path.relative_to(ROOT).with_suffix(".html").as_posix() in PAGES) != path.name.startswith("exam")


def test_the_exam_is_in_the_teachers_book_only():
    """Neither its pages nor its words are anywhere in the learners'; the teacher's has two variants to print."""
    words = ("Name up to eight weaknesses", "Six points for one slip")
    for path in BOOK.rglob("*"):
        if path.is_file() and path.suffix in (".html", ".js", ".md", ".ipynb", ".inv", ".txt"):
            text = path.read_text(encoding="utf-8", errors="replace")
            assert not [word for word in words if word in text], path
    variants = []
    for letter in "AB":
        page, key = ((TEACHERS / "build" / "exam" / f"{kind}_{letter}.html").read_text(encoding="utf-8")
                     for kind in ("exam", "key"))  # fmt: skip
        assert words[0] in page and words[1] in key and words[1] not in page
        [link] = re.findall(r'href="([^"]+/exam_[AB]\.pdf)"', page)
        printed = pypdf.PdfReader((TEACHERS / "build" / "exam" / link).resolve())
        text = "\n".join(sheet.extract_text() for sheet in printed.pages)
        for part in ("Name", "of 40", "of 20", "of 100", words[0], f"variant {letter}", "page 1 of"):
            assert part in text
        assert text.count("/ 5") == 8 and text.count("/ 8") == 5 and text.count("/ 20") == 1  # a box for each question
        assert [round(float(side)) for side in printed.pages[0].mediabox[2:]] == [595, 842]  # A4
        variants.append(text[text.index("B. Compute") : text.index("C. Read")])
    assert variants[0] != variants[1]


def test_the_first_page_leads_to_every_notebook():
    """A card each, with a picture, minutes, points and a question; and ways for four kinds of readers."""
    page = elements("index.html")
    text = (BOOK / "index.html").read_text(encoding="utf-8")
    cards = re.findall(r'<div class="sd-card [^"]*sd-card-hover.+?stretched-link.+?</a>', text, re.DOTALL)
    assert len(cards) == len(NOTEBOOKS)
    for path, card in zip(NOTEBOOKS, cards, strict=True):
        assert f'href="notebooks/{path.stem}.html"' in card and re.search(r"\d+ minutes, \d+ points", card)
        assert re.search(r'<img alt="[^"]{20,}" class="sd-card-img-top" src="_images/', card)
        assert re.search(r'<p class="sd-card-text">[^<]{20,}[.?]</p>', card)
    everything = [(attributes.get("class") or "").split() for _, attributes in page.inside]
    assert sum("sd-card" in classes for classes in everything) == len(cards) + 4
    assert sum(path.stat().st_size for path in (BOOK / "_images").glob("0*.png")) < 1_000_000


@each_page
def test_links_resolve(page):
    """Within the book, with their anchors; and nothing that a page loads comes from elsewhere."""
    for tag, attributes in elements(page).found:
        target = attributes.get("href") or attributes.get("src") or ""
        address = urlsplit(target)
        if address.scheme or address.netloc:
            assert tag == "a" or address.scheme == "data", f"{tag} loads {target}"
            continue
        place = (BOOK / page).parent / unquote(address.path) if address.path else BOOK / page
        place = place.resolve()
        assert place.is_file(), target
        if address.fragment and place.suffix == ".html":
            names = {found.get("id") for _, found in elements(place.relative_to(BOOK).as_posix()).found}
            assert unquote(address.fragment) in names, target


@each_page
def test_pages_are_well_made(page):
    """One H1, headings in order, an alternative text for each image, new windows cut off from the page."""
    levels = [int(tag[1]) for tag, _ in elements(page).inside if re.fullmatch("h[1-6]", tag)]
    if not levels:  # a page that a script fills
        return
    assert levels[0] == 1 and 1 not in levels[1:]
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False)), levels
    for tag, attributes in elements(page).found:
        if tag == "img":
            alt = attributes.get("alt", "")
            assert len(alt) > 10 or alt in ("Colab logo", "Binder logo"), attributes["src"]
            assert not re.search(r"\.(png|jpg|svg)$", alt), alt
        if attributes.get("target") == "_blank":
            assert "noopener" in attributes.get("rel", "noopener")


def launches(links, path, repository):
    """Whether a page has both launch buttons, to this repository."""
    place, file = repository.removeprefix("https://github.com/"), f"notebooks/{path.name}"
    return (
        f"https://mybinder.org/v2/gh/{place}/{SETTINGS['branch']}?urlpath=lab/tree/{file}" in links
        and f"https://colab.research.google.com/github/{place}/blob/{SETTINGS['branch']}/{file}" in links
    )


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_launch_and_download(path):
    """The download is the notebook itself. Nothing leads to the repository while its address is a placeholder."""
    links = {attributes.get("href", "") for _, attributes in elements(f"notebooks/{path.stem}.html").found}
    file = f"notebooks/{path.name}"
    assert (BOOK / "_sources" / file).read_bytes() == path.read_bytes() and f"../_sources/{file}" in links
    if "/OWNER/" in SETTINGS["repository"]:
        assert not [link for link in links if re.search("OWNER|mybinder|colab.research", link)]
        assert "rocket" not in (BOOK / "index.html").read_text(encoding="utf-8").lower()
    else:
        assert launches(links, path, SETTINGS["repository"])


def test_a_small_book_of_a_published_repository(tmp_path):
    """Its launch buttons lead to the address; a call of the quiz becomes the form, once."""
    address = "https://github.com/somebody/dhl"
    shutil.copytree(ROOT / "docs", tmp_path / "docs", ignore=shutil.ignore_patterns("*.md", "*.ipynb", "slides"))
    (tmp_path / "notebooks").mkdir()
    notebook = json.loads(NOTEBOOKS[0].read_text(encoding="utf-8"))
    [call] = [cell for cell in notebook["cells"] if "".join(cell["source"]) == 'dhl.quiz("00")']
    call["outputs"] = [{"output_type": "display_data", "metadata": {}, "data": {"text/html": "<p>stored</p>"}}]
    (tmp_path / "notebooks" / NOTEBOOKS[0].name).write_text(json.dumps(notebook), encoding="utf-8")
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(settings.replace(SETTINGS["repository"], address), encoding="utf-8")
    only = "<!-- published -->\nThe rocket opens it.\n<!-- published:end -->\n"
    (tmp_path / "index.md").write_text(f"# Book\n\n{only}\n```{{toctree}}\n:glob:\n\nnotebooks/*\n```\n")
    out, command = tmp_path / "out", [sys.executable, "-m", "sphinx", "-q", "-c", tmp_path / "docs", tmp_path]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([*command, out], cwd=tmp_path, check=True, env=environment, stderr=subprocess.DEVNULL)
    page = Elements(out / "notebooks" / f"{NOTEBOOKS[0].stem}.html")
    assert launches({attributes.get("href") for _, attributes in page.found}, NOTEBOOKS[0], address)
    assert "The rocket opens it" in (out / "index.html").read_text(encoding="utf-8")
    assert sum(tag == "form" and attributes.get("class") == "dhl-quiz" for tag, attributes in page.inside) == 1
    text = (out / "notebooks" / f"{NOTEBOOKS[0].stem}.html").read_text(encoding="utf-8")
    assert "stored" not in text and "dhl.quiz" not in text


def test_every_citation_is_in_the_bibliography():
    doi = re.compile(r"(?:doi\.org/|arxiv\.org/abs/)([^\s)\"',;\\>]+[^\s)\"',;\\>.])", re.IGNORECASE)
    cited = set()
    for path in [*NOTEBOOKS, *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("dhl_helpers/**/*.py")]:
        cited |= {name.lower() for name in doi.findall(path.read_text(encoding="utf-8"))}
    listed = {name.lower() for name in doi.findall((BOOK / "docs" / "references.html").read_text(encoding="utf-8"))}
    assert len(cited) > 20
    assert not {name for name in cited if name not in listed and f"10.48550/arxiv.{name}" not in listed}


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def site():
    """The address of the book, served on this machine only."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=BOOK))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.fixture(scope="module")
def chromium():
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        (pytest.fail if os.environ.get("DHL_BROWSER") == "required" else pytest.skip)("no Chromium on this machine")
    root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=[*SWITCHES, *root])
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium, site):
    """A tab that notes what went wrong in `tab.wrong`: console errors, failed requests, requests to elsewhere."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, base_url=site, color_scheme="light")
    context.set_default_timeout(20_000)
    opened = context.new_page()
    wrong = opened.wrong = []
    opened.on("console", lambda line: wrong.append(line.text) if line.type in ("error", "warning") else None)
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("requestfailed", lambda request: wrong.append(f"failed: {request.url}"))
    opened.on("response", lambda reply: wrong.append(f"{reply.status}: {reply.url}") if reply.status >= 400 else None)
    opened.on("request", lambda asked: wrong.append(f"to elsewhere: {asked.url}")
              if not asked.url.startswith((site, "data:", "blob:", "file:")) else None)  # fmt: skip
    yield opened
    context.close()


def violations(tab, within=None, **options):
    """What axe-core finds serious or critical, in the page or within what a selector names."""
    found = axe.Axe().run(tab, within, options={"resultTypes": ["violations"], "preload": False} | options)
    return [(rule["id"], rule["impact"], [node["html"][:200] for node in rule["nodes"][:3]])
            for rule in found.response["violations"] if rule["impact"] in ("serious", "critical")]  # fmt: skip


@each_page
def test_in_a_browser(tab, page):
    """No error, no request to elsewhere, accessible, no sideways scrolling on a phone.

    In the dark a figure is as it is in the light: no filter over it, and white behind it.
    """
    tab.goto(page, wait_until="networkidle")
    assert not tab.wrong and tab.locator("h1:visible").count() == 1
    tab.add_style_tag(content=AT_REST)
    tab.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    if page != COLOURS_OF_CODE:
        tab.evaluate("document.querySelectorAll('.highlight pre').forEach(one => one.textContent = one.textContent)")
    assert not violations(tab)
    tab.emulate_media(color_scheme="dark")
    tab.wait_for_function("document.documentElement.dataset.theme == 'dark'")
    looks = tab.locator(".bd-article img").evaluate_all("""all => all.map(one => {
        const style = getComputedStyle(one);
        return [style.filter, style.opacity, style.mixBlendMode, style.backgroundColor].join() })""")
    assert set(looks) <= {"none,1,normal,rgb(255, 255, 255)"}
    tab.set_viewport_size({"width": 390, "height": 844})
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    assert not tab.wrong


@others_slow(COLOURS)
def test_contrast_in_the_dark(tab, page):
    tab.goto(page, wait_until="networkidle")
    tab.add_style_tag(content=AT_REST)
    tab.emulate_media(color_scheme="dark")
    tab.wait_for_function("document.documentElement.dataset.theme == 'dark'")
    tab.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    assert not violations(tab, runOnly=["color-contrast"])


@pytest.mark.parametrize("start", ["index.html", (BOOK / "index.html").as_uri()], ids=["served", "from the disk"])
def test_search_finds_focal_loss(tab, start):
    """And quotes the place where it is, in a book that is served and in one that was opened as a file."""
    tab.goto(start, wait_until="networkidle")  # leaving earlier would cut requests off
    tab.keyboard.press("Control+k")
    tab.wait_for_function("document.activeElement?.name == 'q'")
    tab.keyboard.type("focal loss")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/search.html?q=focal+loss*")
    for page in ("05_imbalance", "glossary"):  # results come one by one
        result = tab.locator(f"#search-results li:has(a[href*='{page}'])").first
        result.wait_for()
        assert re.search("focal loss", result.locator("p.context").inner_text(), re.IGNORECASE)
        assert "focal" in result.locator("mark").first.inner_text().lower()
    for said in tab.locator("#search-results li p.context").all_inner_texts():
        assert 20 < len(said) < 300
    assert not tab.wrong


@pytest.mark.parametrize("words", ["sensitivity", "losses", "what is DHL", "a.b(c", "<b>"])
def test_any_search_quotes(tab, words):
    tab.goto(f"search.html?q={quote(words)}", wait_until="networkidle")
    tab.wait_for_function("""() => {  // results come one by one
        const said = document.querySelector(".search-summary")?.textContent ?? "";
        return said.includes("finished") || said.includes("did not match") }""")
    found = tab.locator("#search-results li").evaluate_all(
        "all => all.map(one => one.querySelector('p.context')?.textContent)"
    )
    assert all(found), found
    assert not tab.wrong


def test_no_line_of_code_scrolls(tab):
    """Beside both side bars at 1,400 pixels. A line of 120 columns is not wrapped either."""
    tab.set_viewport_size({"width": 1400, "height": 900})
    for page in PAGES:
        tab.goto(page)
        blocks = tab.locator("pre:visible").evaluate_all("""all => all.map(one => [
            one.scrollWidth - one.clientWidth, one.getBoundingClientRect().height, getComputedStyle(one).lineHeight,
            getComputedStyle(one).padding, one.textContent])""")
        for over, height, line, padding, text in blocks:
            assert over <= 0, f"{page}: {text[:200]}"
            if page.startswith("notebooks/") and max(map(len, text.splitlines()), default=0) <= 120:
                lines = (height - 2 * float(padding.split("px")[0])) / float(line.removesuffix("px"))
                assert lines < len(text.rstrip("\n").splitlines()) + 0.9, f"{page}: wrapped: {text[:200]}"


def test_nothing_is_cut_on_paper(tab):
    """Within the margins of A4, without side bars and buttons."""
    tab.set_viewport_size({"width": 680, "height": 1000})  # 180 mm
    tab.emulate_media(media="print")
    for page in PAGES:
        tab.goto(page)
        cut = tab.locator(".bd-article :is(pre, table, img, p, li, h1, h2, h3, math, form)").evaluate_all("""all => all
            .filter(one => one.checkVisibility() && (one.getBoundingClientRect().right > 681
                    || one.tagName == "PRE" && one.scrollWidth > one.clientWidth + 1))
            .map(one => one.textContent.slice(0, 100))""")
        assert not cut, page
        for part in (".bd-sidebar-primary", ".bd-sidebar-secondary", ".bd-header-article", ".copybtn", "form button"):
            assert not tab.locator(part).filter(visible=True).count(), f"{page}: {part}"


def test_paper_has_the_ends_of_lines(tab, tmp_path):
    """The last words of each long line of code are in the PDF of the page; the syllabus is one sheet."""
    sheet = {"format": "A4", "margin": dict.fromkeys(("top", "bottom", "left", "right"), "15mm")}
    tab.goto("notebooks/04_ml_heads.html")
    tab.pdf(path=tmp_path / "04.pdf", **sheet)
    printed = "".join("".join(page.extract_text() for page in pypdf.PdfReader(tmp_path / "04.pdf").pages).split())
    cells = json.loads((ROOT / "notebooks" / "04_ml_heads.ipynb").read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    open_code = re.sub(r"### BEGIN SOLUTION.*?### END SOLUTION", "", code, flags=re.DOTALL)  # folded on paper
    ends = ["".join(line[-25:].split()) for line in open_code.splitlines() if len(line) > 100]
    assert len(ends) > 10 and not [end for end in ends if end not in printed]
    tab.goto("docs/instructor/syllabus.html")
    tab.pdf(path=tmp_path / "syllabus.pdf", **sheet)
    assert len(pypdf.PdfReader(tmp_path / "syllabus.pdf").pages) == 1


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_the_quiz_marks_itself(tab, path):
    """By keyboard: feedback to a wrong and to the right answer, and a count of what was right at the first try."""
    quiz = ROOT / "notebooks" / "quizzes" / f"{path.stem[:2]}.toml"
    questions = tomllib.loads(quiz.read_text(encoding="utf-8"))["question"]
    tab.goto(f"notebooks/{path.stem}.html")
    form = tab.locator("form.dhl-quiz")
    items = form.locator("fieldset")
    assert form.count() == 1 and items.count() == len(questions)
    for place, question in enumerate(questions):
        item = items.nth(place)
        said = item.get_by_role("status")
        item.get_by_role("button").press("Enter")
        assert said.inner_text() == "Choose an answer first."
        wrong = next(place for place, option in enumerate(question["options"]) if not option.get("right"))
        right = next(place for place, option in enumerate(question["options"]) if option.get("right"))
        for chosen in ([wrong, right] if place == 0 else [right]):
            item.get_by_role("radio").nth(chosen).press("Space")
            item.get_by_role("button").press("Enter")
            start = "Right. " if chosen == right else "Not right. "
            assert said.inner_text() == start + question["options"][chosen]["feedback"].replace("`", "")
            mark = item.locator("label").nth(chosen).evaluate(
                "one => [one.className, getComputedStyle(one, '::after').content]"
            )
            assert mark == (["right", '" \u2713"'] if chosen == right else ["wrong", '" \u2717"'])
    total = form.locator(":scope > [role=status]").inner_text()
    assert total == f"{len(questions) - 1} of {len(questions)} right at the first try."
    tab.add_style_tag(content=AT_REST)
    assert not violations(tab, "form.dhl-quiz")
    assert not tab.wrong


@pytest.mark.parametrize("path", DECKS, ids=[path.stem for path in DECKS])
def test_a_deck_in_a_browser(tab, path):
    """The right arrow shows every slide in order; all fits at 1280 x 720, and the number of the slide is uncovered."""
    tab.set_viewport_size({"width": 1280, "height": 720})
    tab.goto(path.as_uri())
    tab.wait_for_function("window.Reveal && Reveal.isReady()")
    total, seen = tab.evaluate("Reveal.getTotalSlides()"), []
    while len(seen) < 2 * total + 20:
        slide = tab.evaluate("""() => {
            const slide = Reveal.getCurrentSlide(), body = slide.querySelector(".body");
            const number = document.querySelector(".slide-number"), place = number.getBoundingClientRect();
            const shown = [...slide.querySelectorAll("h1, h2, .part, .body, .source")]
                .map(one => one.getBoundingClientRect());
            const picture = slide.querySelector("img")?.getBoundingClientRect();
            return {
              at: Reveal.getIndices().h, message: slide.querySelector("h1, h2").textContent.trim(),
              over: body ? Math.max(body.scrollHeight - body.clientHeight, body.scrollWidth - body.clientWidth) : 0,
              lowest: Math.max(...shown.map(one => one.bottom)), right: Math.max(...shown.map(one => one.right)),
              top: place.top, letters: body ? parseFloat(getComputedStyle(body).fontSize) : 99,
              open: number.contains(document.elementFromPoint(
                place.left + place.width / 2, place.top + place.height / 2)),
              picture: picture ? [picture.width, picture.height] : null,
            } }""")
        if not seen or seen[-1] != slide["at"]:
            seen.append(slide["at"])
            assert slide["message"] and slide["over"] <= 1 and slide["open"], slide
            assert slide["lowest"] <= slide["top"] and slide["right"] <= 1280 and slide["letters"] >= 18, slide
            assert slide["picture"] is None or slide["picture"][0] > 1100 and slide["picture"][1] > 400, slide
        before = tab.evaluate("JSON.stringify(Reveal.getState())")
        tab.keyboard.press("ArrowRight")
        if tab.evaluate("JSON.stringify(Reveal.getState())") == before:
            break
    assert seen == list(range(total))
    assert not tab.wrong


def test_there_is_a_deck_for_each_notebook():
    assert [path.stem for path in DECKS] == [path.stem for path in NOTEBOOKS], "make slides"


@pytest.mark.parametrize("path", [*NOTEBOOKS, *WARM_UP], ids=[path.stem for path in [*NOTEBOOKS, *WARM_UP]])
def test_solutions_open_and_close(tab, path):
    """With the keyboard, as every other fold. A closed solution is not to be seen, the open exercise is."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells]
    tab.goto(path.relative_to(ROOT).with_suffix(".html").as_posix())
    solutions, answers = tab.locator("details.hide"), tab.locator("details:not(.hide):has(> summary)")
    assert solutions.count() == sum("### BEGIN SOLUTION" in source for source in sources) > 0
    assert tab.get_by_text("... # your code").count() == solutions.count()
    assert "BEGIN SOLUTION" not in tab.content()
    for fold in (*solutions.all(), *answers.all()):
        inside = fold.locator(":scope > :not(summary)")
        summary = fold.locator("summary").first
        assert fold.get_attribute("open") is None
        summary.press("Enter")
        assert fold.get_attribute("open") is not None
        assert inside.count() == 0 or inside.first.is_visible()
        summary.press("Enter")
        assert fold.get_attribute("open") is None
        assert inside.count() == 0 or not inside.first.is_visible()


@others_slow(KEYBOARD)
def test_the_keyboard_reaches_everything(tab, page):
    """Tab stops at each link, button, field and fold that is to be seen, and where it stops is to be seen, too."""
    tab.goto(page, wait_until="networkidle")
    wanted = tab.evaluate("""ways => {
        const all = [...document.querySelectorAll(ways)].filter(one => one.checkVisibility(
            {visibilityProperty: true, opacityProperty: false}) && !one.disabled && one.type != "hidden");
        all.forEach(one => one.dataset.wanted = "");
        return all.length }""", ",".join(WAYS))  # fmt: skip
    assert wanted > 10
    unseen = []
    for _ in range(2 * wanted):
        tab.keyboard.press("Tab")
        outline = tab.evaluate("""() => {
            const one = document.activeElement, style = getComputedStyle(one);
            const seen = style.outlineStyle != "none" || style.boxShadow != "none";
            if (one === document.body || !("wanted" in one.dataset)) return "";
            delete one.dataset.wanted;
            return seen ? "" : one.outerHTML.slice(0, 200) }""")
        unseen += [outline] if outline else []
        if not tab.locator("[data-wanted]").count():
            break
    left = tab.evaluate("[...document.querySelectorAll('[data-wanted]')].map(one => one.outerHTML.slice(0, 200))")
    assert not left
    assert not unseen, "no sign of the focus"
