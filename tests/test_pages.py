"""The website's pages that are made from the notebooks and the library hold everything, once."""
import importlib, sys
from pathlib import Path
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT/'docs'))
import nbdev_reader, pages

CLAIMS = range(1, 50)   # the statements and questions of the note that the course grew from


def test_every_claim_has_one_verdict():
    found = {number: set() for number in CLAIMS}
    for number, path, said, verdict, why in pages.answers():
        found[number].add(verdict)
        assert said and said[0] not in '.,:' and why.endswith('.') and len(why) < 260, (number, said, why)
    assert {n: v for n, v in found.items() if len(v) != 1} == {}
    assert [line.split(' | ')[0].strip('| ') for line in pages.answers_page().split('\n') if line.startswith('| ') and line[2].isdigit()] == [str(n) for n in CLAIMS]


def test_every_exported_name_is_on_the_library_page():
    page = pages.library_page()
    for name in filter(None, map(pages.module, pages.notebooks())):
        for exported in importlib.import_module(f'foundations.{name}').__all__: assert f'\n### {exported}\n' in page, exported


def test_signatures():
    entry = {name: (signature, text) for module in ('layers', 'train', 'checks') for name, signature, text in pages.public(module)}
    assert entry['Linear'][0] == 'class Linear(n_in, n_out, generator=None, dtype=None, device=None)' and entry['Linear'][1].startswith('A `Module`.')
    assert entry['Model'][0] == 'class Model(*layers)' and '`backward(g, input_grad=False)`' in entry['Model'][1]
    assert entry['SGD'][1].count('\n- ') == 2 and r'momentum\*v' in entry['SGD'][1]
    assert entry['stats'][0] == 'stats(x)' and entry['fit'][0].startswith('fit(\n    model, loss, opt, # layers')


def test_map_is_the_code():
    svg = pages.map_svg()
    assert 'from-backward to-loss' in svg and 'from-layers to-init' in svg and 'from-loss to-backward' not in svg
    for path in pages.notebooks(): assert f'href="{path.stem}.html"' in svg


def test_home_page_says_how_long_each_chapter_runs():
    assert set(pages.runtimes()) == {p.stem for p in pages.notebooks()}, 'run make notebooks'


@pytest.mark.parametrize('source, tags', [
    ('#| hide\nx = 1', ['remove-cell']), ('#| default_exp loss', ['remove-cell']), ('#| code-fold: true\nx = 1', ['hide-input']),
    ('#| export\ndef f(): pass', ['export', 'export-loss']), ('# | hide_input\nx = 1', ['remove-input']), ('x = 1  #| hide', [])])
def test_directives(source, tags):
    found, rest = nbdev_reader.directives(source)
    assert nbdev_reader.tags(found, 'loss') == tags and '|' not in rest.replace('#| hide', '', source.startswith('x'))
