"""The runner of notebooks: what it names when one fails, what it skips, and what it stores."""
import json, subprocess, sys
from pathlib import Path
import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).resolve().parent.parent
KERNEL = {'kernelspec': {'name': 'python3', 'display_name': 'python3', 'language': 'python'}}


def run(mode, path, *cells):
    "Write a notebook of `cells` to `path` and run it; returns the process and the notebook as stored."
    nbformat.write(new_notebook(cells=[new_markdown_cell('# A notebook'), *map(new_code_cell, cells)], metadata=KERNEL), path)
    before = path.read_bytes()
    done = subprocess.run([sys.executable, str(ROOT/'tools/notebooks.py'), mode, str(path)], text=True, capture_output=True, timeout=120)
    return done, before, json.loads(path.read_text(encoding='utf-8'))


def test_failure_is_named(tmp_path):
    done, before, _ = run('test', tmp_path/'01_bad.ipynb', 'a = 1', 'assert a == 2, "one is not two"', 'b = 1')
    assert done.returncode == 1 and '01_bad.ipynb, cell 3 of 4' in done.stdout and 'one is not two' in done.stdout and '0 passed, 1 failed' in done.stdout
    assert before == (tmp_path/'01_bad.ipynb').read_bytes()


def test_skips_and_flags(tmp_path):
    done, before, _ = run('test', tmp_path/'01_ok.ipynb', '#| eval: false\n1/0', 'import os; assert os.environ["IN_TEST"] == "1" and os.environ["OMP_NUM_THREADS"] == "1"')
    assert done.returncode == 0 and '1 passed, 0 failed' in done.stdout
    assert before == (tmp_path/'01_ok.ipynb').read_bytes()


def test_stored_twice_is_the_same(tmp_path):
    cells = ['print(1)\nprint(2, flush=True)\nprint(3)', 'from ipywidgets import interact\ninteract(lambda n: print(n), n=(0, 5));',
             'from tqdm.auto import tqdm\nfor _ in tqdm(range(3)): pass', 'import os; os.environ.get("IN_TEST")', 'object']
    path = tmp_path/'01_store.ipynb'
    _, _, first = run('store', path, *cells)
    again = subprocess.run([sys.executable, str(ROOT/'tools/notebooks.py'), 'store', str(path)], text=True, capture_output=True)
    assert again.returncode == 0 and json.loads(path.read_text(encoding='utf-8')) == first
    outputs = [c['outputs'] for c in first['cells'] if c['cell_type'] == 'code']
    assert outputs[0][0]['text'] == ['1\n', '2\n', '3\n'] and len(outputs[0]) == 1
    assert outputs[2] == [] and outputs[3] == []
    assert [o['data'] for o in outputs[1] if 'data' in o] == [{'text/plain': ['A slider stands here while the notebook runs.']}]


def test_sliders_hold_nothing_up(tmp_path):
    "A reply that comes in while a slider's message goes out is noticed too: 60 sliders in far less than the time one cell may take."
    done, *_ = run('test', tmp_path/'01_sliders.ipynb', 'from ipywidgets import interact', *['interact(lambda a: print(a), a=(0, 5));']*60)
    assert done.returncode == 0, done.stdout
