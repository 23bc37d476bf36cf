"""The README says what is true: its code runs, its picture is the notebook's, its files exist."""
import json, re, subprocess, sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT/'tools'), str(ROOT/'benchmarks')]
from readme_figure import stored_figure
from step import MARKS, markdown

README = (ROOT/'README.md').read_text(encoding='utf-8')


def test_code_runs(tmp_path):
    blocks = re.findall(r'```python\n(.*?)```', README, re.S)
    assert blocks
    for block in blocks: subprocess.run([sys.executable, '-c', block], check=True, cwd=tmp_path)


def test_picture_is_the_notebooks():
    png, width = stored_figure('00_foundations.ipynb', 'depth')
    assert (ROOT/'docs/depth.png').read_bytes() == png, 'run make notebooks'
    assert f'<img src="docs/depth.png" width="{width}" alt="' in README   # the file holds twice as many pixels, for dense screens


def test_links_lead_somewhere():
    for target in re.findall(r'\]\(([^)#]+)', README) + re.findall(r'src="([^"]+)"', README):
        if not target.startswith('http'): assert (ROOT/target).exists(), target


def test_every_chapter_is_in_the_map():
    for path in (ROOT/'nbs').glob('[0-9]*.ipynb'): assert f'nbs/{path.name}' in README, path.name


def test_benchmark_is_the_stored_one():
    stored = json.loads((ROOT/'docs/bench.json').read_text(encoding='utf-8'))
    before, rest = README.split(MARKS[0])
    assert rest.split(MARKS[1])[0].strip() == markdown(stored['about'], stored['times_as_fast_as_torch_nn']), 'run make bench'


def test_what_a_chapter_tells_to_type_is_imported():
    for path in sorted((ROOT/'nbs').glob('[0-9]*.ipynb')):
        cells = [(c['cell_type'], ''.join(c['source'])) for c in json.loads(path.read_text(encoding='utf-8'))['cells']]
        told = {name for kind, text in cells if kind == 'markdown' for name in re.findall(r'`(hint|solution|progress)\(', text)}
        code = '\n'.join(text for kind, text in cells if kind == 'code')
        known = set(re.findall(r'\w+', ' '.join(re.findall(r'from foundations\.exercises import (.*)', code)))) | set(re.findall(r'^def (\w+)', code, re.M))
        assert told <= known or 'from foundations.all import *' in code, (path.name, told - known)
