"""The checks of the tree notice what they are for: each fault is planted in a copy, and named."""
import json, shutil, sys
from pathlib import Path
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT/'tools'))
from check_tree import check


@pytest.fixture
def tree(tmp_path):
    "A copy of what the checks read."
    for folder in ('nbs', 'foundations'): shutil.copytree(ROOT/folder, tmp_path/folder, ignore=shutil.ignore_patterns('__pycache__', 'mnist', '.ipynb_checkpoints'))
    shutil.copy(ROOT/'settings.ini', tmp_path)
    return tmp_path


def change(path, edit):
    "Let `edit` change the notebook at `path`, and write it as nbdev does."
    nb = json.loads(path.read_text(encoding='utf-8'))
    edit(nb['cells'])
    path.write_text(json.dumps(nb, sort_keys=True, indent=1, ensure_ascii=False) + '\n', encoding='utf-8')


def exported(cells): return next(c for c in cells if ''.join(c['source']).startswith('#| export\ndef'))


def test_as_it_is(tree): assert list(check(tree)) == []


def test_notebook_not_clean(tree):
    change(tree/'nbs/02_data.ipynb', lambda cells: next(c for c in cells if c['cell_type'] == 'code').update(execution_count=7))
    assert [r for r in check(tree) if '02_data.ipynb: not clean' in r]


def test_edited_library(tree):
    with open(tree/'foundations/loss.py', 'a') as f: f.write('x = 1\n')
    assert [r for r in check(tree) if 'foundations/loss.py: not what the notebooks export' in r]


def test_notebook_not_exported(tree):
    change(tree/'nbs/06_mse.ipynb', lambda cells: exported(cells)['source'].append('\nx = 1'))
    assert [r for r in check(tree) if 'foundations/loss.py: not what the notebooks export' in r]


def test_orphan_module(tree):
    (tree/'foundations/orphan.py').write_text('x = 1\n')
    assert list(check(tree)) == ['foundations/orphan.py: no notebook exports this module: delete it']


def test_missing_module(tree):
    (tree/'foundations/loss.py').unlink()
    assert list(check(tree)) == ['foundations/loss.py: missing: run nbdev_export']


@pytest.mark.parametrize('line', ['from foundations.loss import mse', 'import foundations.loss', 'from foundations import loss'])
def test_forward_import(tree, line):
    change(tree/'nbs/02_data.ipynb', lambda cells: exported(cells)['source'].append(f'\ndef late():\n    {line}'))
    assert [r for r in check(tree) if '02_data.ipynb: exports code that imports foundations.loss' in r]


@pytest.mark.parametrize('line', ['def mnist(): pass', 'class mnist: pass', 'mnist = 1', 'a, mnist = 1, 2', 'mnist: int = 1'])
def test_name_exported_twice(tree, line):
    change(tree/'nbs/06_mse.ipynb', lambda cells: exported(cells)['source'].append(f'\n{line}'))
    assert [r for r in check(tree) if '06_mse.ipynb: exports mnist, which 02_data.ipynb exports already' in r]
