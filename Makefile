# Two commands do everything: `make course` runs the series, `make test` tests it.
# Each sets up .venv first, once. README.md gives the plain commands for machines without make.
ifeq ($(OS),Windows_NT)
PYTHON ?= python
PY = .venv/Scripts/python
CLASS_PY = .venv-classroom/Scripts/python
BOOK_PY = .venv-book/Scripts/python
else
# The stored outputs were made with the Python of .python-version: take it where it is there.
PYTHON ?= $(shell python3.11 --version >/dev/null 2>&1 && echo python3.11 || echo python3)
PY = .venv/bin/python
CLASS_PY = .venv-classroom/bin/python
BOOK_PY = .venv-book/bin/python
endif
READY = .venv/.installed
CLASS_READY = .venv-classroom/.installed
BOOK_READY = .venv-book/.installed
# Outputs are compared exactly on the platform that made them; elsewhere the cells must only run.
STRICT = import platform as p, sys; ref = open('.python-version').read().strip() == '%d.%d' % sys.version_info[:2]
NBVAL = $(shell $(PY) -c "$(STRICT); print('--nbval' if ref and sys.platform == 'linux' and p.machine() == 'x86_64' \
	else '--nbval-lax')") --nbval-current-env --nbval-cell-timeout=300
# A process a core, at most four: conftest.py. Each takes whole files, in the order given there.
CORES = -n auto --dist loadfile --no-loadscope-reorder

# Bytecode for what takes longest to import, without the packages' own tests: 100 MB, where pip would write 280, and
# kernels start fast even where none is written later.
COMPILE = import compileall, re, sysconfig; lib = sysconfig.get_path('purelib'); \
	[compileall.compile_dir(lib + '/' + name, quiet=2, workers=0, rx=re.compile('[^a-z]tests?[^a-z._]')) for name in \
	('tensorflow', 'keras', 'scipy', 'pandas', 'sklearn', 'numpy', 'matplotlib')]

.PHONY: course test test-helper test-all bench lab assignment slides book book-teacher exam test-book lint clean pins refresh

course: $(READY)
	$(PY) -m dhl_helpers run

# The book's tests run beside the helper's: both often wait, one for pages and the other for kernels.
test: $(READY) $(CLASS_READY) $(BOOK_READY)
	$(MAKE) --no-print-directory -j2 test-helper test-book
	$(PY) -m pytest notebooks $(CORES) $(NBVAL) --junitxml=build/junit/notebooks.xml

test-helper: $(READY) $(CLASS_READY)
	$(PY) -m pytest tests $(CORES) --junitxml=build/junit/tests.xml

test-all: test
	$(PY) -m pytest tests -m slow --junitxml=build/junit/slow.xml
	$(BOOK_PY) -m pytest --noconftest tests/test_book.py -m slow -n 2 --junitxml=build/junit/book-slow.xml

# With nothing else running; a quarter of an hour. Writes benchmarks/*.csv, and the tables of README.md and CONTRIBUTING.md.
bench: $(READY)
	$(PY) benchmarks/run.py

lab: $(READY)
	$(PY) -m dhl_helpers student
	$(PY) -m jupyter lab --config .jupyter/lab.json

# For teachers: the exercises as assignments for nbgrader, in assignments/.
assignment: $(CLASS_READY)
	$(CLASS_PY) -m dhl_helpers assignment

# For teachers: a deck of each notebook, in build/slides.
slides: $(READY)
	$(PY) -m dhl_helpers slides
# Notebooks with their stored outputs, and the docs, as pages in build/book: nothing is executed.
book: $(BOOK_READY)
	@rm -rf build/book
	$(BOOK_PY) -m sphinx -q -W --keep-going -E -c docs -d build/doctrees . build/book
	@echo "The book is build/book/index.html"

# For teachers: the same with the exam and its key. SEED=2027, a number of your own, decides the numbers of the exam.
book-teacher: $(BOOK_READY)
	@rm -rf build/book-teacher
	DHL_EXAM_SEED=$(or $(SEED),0) $(BOOK_PY) -m sphinx -q -W --keep-going -E -t teacher -c docs -d build/doctrees-teacher . \
		build/book-teacher
	@echo "The book is build/book-teacher/index.html"

# For teachers: two variants of the exam with their keys as PDF, in build/exam.
exam: $(BOOK_READY)
	@test "$(SEED)" || { echo "Choose a number that you keep to yourself, as in: make exam SEED=2027"; exit 2; }
	$(BOOK_PY) -m dhl_helpers exam --seed $(SEED)

# The book and the slides in the Chromium of this machine; without one the tests that need it are skipped.
test-book: book book-teacher slides
	$(BOOK_PY) -m pytest --noconftest tests/test_book.py -n 2 --junitxml=build/junit/book.xml

lint: $(READY)
	$(PY) -m ruff check .

# What the repository holds of its own running: samples, weights, outputs, timings, the README's tables.
refresh: $(READY)
	$(PY) -m data_samples.simulate --write
	$(PY) -m tools.train_weights
	$(PY) -m tools.fine_tune
	$(PY) -m tools.make_imbalance
	$(PY) -m tools.make_validity
	$(PY) -m tools.refresh

# For maintainers, needs uv. Keeps the versions that still fit; delete requirements.txt first to renew all of them.
pins:
	uv pip compile pyproject.toml --group test --universal --python-version $$(cat .python-version) --generate-hashes \
		--fork-strategy fewest --no-emit-index-url --no-emit-find-links --custom-compile-command "make pins" \
		--quiet --output-file requirements.txt
	uv pip compile --group classroom --constraint requirements.txt --universal --python-version $$(cat .python-version) \
		--generate-hashes --fork-strategy fewest --no-emit-index-url --no-emit-find-links \
		--custom-compile-command "make pins" --quiet --output-file docs/instructor/requirements.txt
	uv pip compile --group book --universal --python-version $$(cat .python-version) --generate-hashes \
		--fork-strategy fewest --no-emit-index-url --no-emit-find-links --custom-compile-command "make pins" \
		--quiet --output-file docs/requirements.txt

# Leaves the rest of build/: runs, kept pipelines and benchmarks are yours.
clean:
	rm -rf .venv .venv-classroom .venv-book build/book build/doctrees build/junit .pytest_cache .ruff_cache dhl_helpers.egg-info

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c "import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else \
		'The course needs Python 3.11, 3.12 or 3.13 and this is %d.%d: name another, as in make PYTHON=python3.11' % v)"
	$(PYTHON) -m venv .venv
	$(PY) -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements.txt
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(PY) -c "$(COMPILE)"
	@touch $(READY)

# Sees the packages of .venv and adds nbgrader with its own.
LAYER = import pathlib, sysconfig; path = sysconfig.get_path; \
	pathlib.Path(path('purelib', vars=dict.fromkeys(('base', 'platbase'), '.venv-classroom')), 'course.pth').write_text( \
	'import os, site; site.addsitedir(%r); os.environ.setdefault(%r, %r)\n' % \
	(path('purelib'), 'JUPYTER_PATH', path('data') + '/share/jupyter'))
$(CLASS_READY): docs/instructor/requirements.txt $(READY)
	$(PY) -m venv --without-pip .venv-classroom
	@$(PY) -c "$(LAYER)"
	$(CLASS_PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r docs/instructor/requirements.txt
	@touch $(CLASS_READY)

# The book's tools know nothing of the course's packages, and the course runs without them.
$(BOOK_READY): docs/requirements.txt
	$(PYTHON) -m venv .venv-book
	$(BOOK_PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r docs/requirements.txt
	@touch $(BOOK_READY)
