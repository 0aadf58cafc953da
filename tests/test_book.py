"""The book (`make book`): its links, its figures, and each page in the Chromium of this machine.

`make test-book` runs these with the tools of the book, in .venv-book. DHL_BROWSER=required fails where there is no
Chromium, instead of skipping what needs one.
"""

import functools
import http.server
import json
import os
import re
import shutil
import threading
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="the book has tools of its own: make test-book")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")

ROOT = Path(__file__).resolve().parents[1]
BOOK = ROOT / "build" / "book"
PAGES = sorted(path.relative_to(BOOK).as_posix() for path in BOOK.rglob("*.html") if "_static" not in path.parts)
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["book"]
# Without these Chromium asks its maker's servers for this and that.
SWITCHES = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync"]  # fmt: skip
# Colours are measured where they come to rest, not on their way there.
AT_REST = "*, *::before, *::after { transition: none !important; animation: none !important }"
# Contrast takes axe-core longest. One notebook stands for the colours of code, and these pages for those of the dark.
COLOURS_OF_CODE = "notebooks/09_what_dhl_gains.html"
COLOURS = {COLOURS_OF_CODE, "index.html", "README.html", "search.html", "docs/launch.html"}
WAYS = ("[href]", "button", "input", "summary", "[tabindex='0']")  # what a reader can work with
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
    for path in [*NOTEBOOKS, *(ROOT / "docs").rglob("*.md")]:
        assert path.relative_to(ROOT).with_suffix(".html").as_posix() in PAGES


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


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_launch_and_download(path):
    """The launch buttons lead to the one configured address, and the download is the notebook itself."""
    links = {attributes.get("href", "") for _, attributes in elements(f"notebooks/{path.stem}.html").found}
    place = SETTINGS["repository"].removeprefix("https://github.com/")
    file = f"notebooks/{path.name}"
    assert f"https://mybinder.org/v2/gh/{place}/{SETTINGS['branch']}?urlpath=lab/tree/{file}" in links
    assert f"https://colab.research.google.com/github/{place}/blob/{SETTINGS['branch']}/{file}" in links
    assert (BOOK / "_sources" / file).read_bytes() == path.read_bytes() and f"../_sources/{file}" in links


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
              if not asked.url.startswith((site, "data:", "blob:")) else None)  # fmt: skip
    yield opened
    context.close()


def violations(tab, **options):
    """What axe-core finds serious or critical."""
    found = axe.Axe().run(tab, options={"resultTypes": ["violations"], "preload": False} | options)
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


def test_search_finds_focal_loss(tab):
    tab.goto("index.html", wait_until="networkidle")  # leaving earlier would cut requests off
    tab.keyboard.press("Control+k")
    tab.keyboard.type("focal loss")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/search.html?q=focal+loss*")
    for page in ("05_imbalance", "glossary"):  # results come one by one
        tab.locator(f"#search-results li a[href*='{page}']").first.wait_for()
    assert not tab.wrong


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_solutions_and_answers_open_and_close(tab, path):
    """With the keyboard. A closed solution is not to be seen, the open exercise is."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells]
    tab.goto(f"notebooks/{path.stem}.html")
    solutions, answers = tab.locator("details.hide"), tab.locator("details:not(.hide):has(> summary)")
    assert solutions.count() == sum("### BEGIN SOLUTION" in source for source in sources) > 0
    assert tab.get_by_text("... # your code").count() == solutions.count()
    assert answers.count() >= sum(source.count("<details>") for source in sources) > 0
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
