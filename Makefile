# make lab and make test are all a reader needs; each sets up what it needs, once.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
# no screen: do not look for a browser, print the address instead
SCREEN_FLAG := $(shell [ "$$(uname)" = Darwin ] || [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ] || echo --no-browser)
LAB := $(SCREEN_FLAG) $(LAB_FLAGS)

.PHONY: help install lab test check browser browser-lab browser-site notebooks outputs mutate package export site bench clean

help:
	@echo 'make lab         set up, then open JupyterLab on your own copies of the notebooks, in my/'
	@echo 'make test        set up, then check everything that CI checks'
	@echo 'make check       the quick part of it: notebooks clean, library in sync, imports from earlier chapters only'
	@echo 'make browser     the website and JupyterLab in a real browser (Chromium; skipped where there is none)'
	@echo 'make notebooks   run every notebook in a fresh kernel and store its outputs'
	@echo 'make outputs     run every notebook and compare with what is stored (20 minutes)'
	@echo 'make mutate      does each chapter notice a mistake in its code? (an hour or two; goes on where it was stopped)'
	@echo 'make package     build the wheel and the source distribution into dist, and check them'
	@echo 'make site        build the website into _site'
	@echo 'make bench       time the course beside PyTorch and others (a few minutes)'
	@echo 'make export      write the library anew from the notebooks'
	@echo 'make clean       remove what was installed and built'

install: $(READY)

$(READY): settings.ini setup.py constraints.txt tools/setup.sh
	@PYTHON="$(PYTHON)" sh tools/setup.sh
	@touch $@

lab: $(READY)
	@$(BIN)/python tools/my_copies.py
	JUPYTER_CONFIG_PATH="$(CURDIR)/tools/jupyter" $(BIN)/jupyter lab $(LAB)

check: $(READY)
	@$(BIN)/python tools/check_tree.py

test: check
	@$(BIN)/python -m pytest -q tests --ignore tests/browser
	@$(BIN)/python tools/test_notebooks.py

# JupyterLab and the website side by side: each keeps one core busy
browser: $(READY)
	@$(MAKE) --no-print-directory -j 2 browser-lab browser-site

browser-lab browser-site: browser-%: $(READY)
	$(BIN)/python -m pytest -q -rs tests/browser/test_$*.py

notebooks: $(READY)
	@$(BIN)/nbdev_export
	@$(BIN)/python tools/notebooks.py store
	@$(BIN)/python tools/readme_figure.py

outputs: $(READY)
	@$(BIN)/python tools/notebooks.py check --jobs 2

mutate: $(READY)
	@$(BIN)/python tools/mutate.py

package:
	@PYTHON="$(PYTHON)" sh tools/package.sh

export: $(READY)
	@$(BIN)/nbdev_export

clean:
	rm -rf .venv _site build dist *.egg-info .mutation

bench: $(READY)
	@$(BIN)/python benchmarks/layers.py
	@$(BIN)/python benchmarks/autograd.py
	@$(BIN)/python benchmarks/conv.py
	@$(BIN)/python benchmarks/parallel.py
	@$(BIN)/python benchmarks/step.py --json docs/bench.json --plot docs/bench.png --readme README.md

site: $(READY)
	@$(BIN)/python docs/build.py
