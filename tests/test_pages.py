"""The website's pages that are made from the notebooks and the library hold everything, once."""
import importlib, itertools, json, re, sys
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


# Machado, Oliveira and Fernandes (2009): linear red, green and blue as eyes without one kind of cone see them
COLOUR_BLIND = {
    'no red cones': [[.152286, 1.052583, -.204868], [.114503, .786281, .099216], [-.003882, -.048116, 1.051998]],
    'no green cones': [[.367322, .860646, -.227968], [.280085, .672501, .047413], [-.011820, .042940, .968881]],
    'no blue cones': [[1.255528, -.076749, -.178779], [-.078411, .930809, .147602], [.004733, .691367, .303900]]}


def lab(rgb):
    "Linear red, green and blue as CIE L*a*b*, where the distance of two colours is how different they look."
    r, g, b = (min(1, max(0, c)) for c in rgb)
    x, y, z = (.4124*r + .3576*g + .1805*b)/.9505, .2126*r + .7152*g + .0722*b, (.0193*r + .1192*g + .9505*b)/1.089
    x, y, z = (t**(1/3) if t > .008856 else 7.787*t + 16/116 for t in (x, y, z))
    return 116*y - 16, 500*(x - y), 200*(y - z)


def nearest(colours, sight):
    "The least distance between two of the hexadecimal `colours` for eyes with the matrix `sight`."
    linear = [[c/12.92 if c <= .04045 else ((c + .055)/1.055)**2.4 for c in (int(h[i:i + 2], 16)/255 for i in (0, 2, 4))] for h in colours]
    seen = [lab([sum(a*b for a, b in zip(row, rgb)) for row in sight]) for rgb in linear]
    return min(sum((a - b)**2 for a, b in zip(p, q))**.5 for p, q in itertools.combinations(seen, 2))


@pytest.mark.parametrize('sight', COLOUR_BLIND)
def test_colours_stay_apart_for_the_colour_blind(sight):
    style = re.findall(r"'([0-9A-F]{6})'", (ROOT/'foundations'/'course.mplstyle').read_text())
    assert len(style) == 7 and nearest(style, COLOUR_BLIND[sight]) > 15
    assert nearest(['d62728', '2ca02c'], COLOUR_BLIND['no green cones']) < 10   # a common red and green: the check can fail


def test_figures_use_the_style_and_no_other_hues():
    allowed = re.compile(r"C[0-6]|0?\.\d+|k|black|white")
    for path in pages.notebooks():
        code = '\n'.join(pages.cells(path, 'code'))
        assert 'plt.show()' not in code or "plt.style.use('foundations.course')" in code, path.name
        assert [c for c in re.findall(r"\b(?:color|c)='([^']*)'", code) if not allowed.fullmatch(c)] == [], path.name


def test_every_figure_is_stored_with_its_cell():
    "Whoever reads on GitHub or on the website sees the picture of each cell that shows one, at twice the pixels of its width."
    for path in pages.notebooks():
        for cell in json.loads(path.read_text(encoding='utf-8'))['cells']:
            pictures = [out for out in cell.get('outputs', []) if 'image/png' in out.get('data', {})]
            if re.search(r'^(?!def )(?:\S.*)?plt\.show\(\)', ''.join(cell['source']), re.M) and cell['cell_type'] == 'code': assert pictures, f'{path.name}, {cell["id"]}: run make notebooks'
            for out in pictures: assert 'width' in out['metadata'].get('image/png', {}), f'{path.name}, {cell["id"]}: run make notebooks'
