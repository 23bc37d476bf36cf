"""The tools notice what they are for: each fault is planted, and named."""
import ast, json, os, re, shutil, subprocess, sys
from pathlib import Path
import nbformat, pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT/'tools'))
from check_tree import check
from my_copies import update

KERNEL = {'kernelspec': {'name': 'python3', 'display_name': 'python3', 'language': 'python'}}


def write(path, *cells):
    nbformat.write(new_notebook(cells=[new_markdown_cell('# A notebook'), *map(new_code_cell, cells)], metadata=KERNEL), path)
    return path


def tool(name, *args, **env):
    return subprocess.run([sys.executable, str(ROOT/'tools'/name), *map(str, args)], text=True, capture_output=True, timeout=200, env={**os.environ, **env})


def test_nbdev_test_names_what_fails(tmp_path):
    bad = write(tmp_path/'01_bad.ipynb', 'a = 1', 'assert a == 2, "one is not two"')
    good = write(tmp_path/'02_good.ipynb', 'import os; assert os.environ["IN_TEST"] == "1" and os.environ["OMP_NUM_THREADS"] == "1"')
    slow = write(tmp_path/'03_slow.ipynb', 'import time; time.sleep(100)')
    done = tool('test_notebooks.py', bad, good, slow, NOTEBOOK_SECONDS='20')
    assert done.returncode == 1 and 'notebooks: 1 passed, 2 failed' in done.stdout
    assert '01_bad.ipynb' in done.stdout and 'Cell #3' in done.stdout and 'one is not two' in done.stdout and 'longer than 20 s' in done.stdout


def test_long_runs_are_short_under_test(monkeypatch):
    from foundations import in_test
    monkeypatch.delenv('IN_TEST', raising=False)
    assert in_test(1, otherwise=2) == 2
    monkeypatch.setenv('IN_TEST', '1')
    assert in_test(1, otherwise=2) == 1


@pytest.mark.parametrize('command', [['test_notebooks.py'], ['notebooks.py', 'check'], ['mutate.py']], ids=' '.join)
def test_no_such_notebook(command, tmp_path):
    done = tool(*command, tmp_path/'99_nowhere.ipynb')
    assert done.returncode and 'no such notebook' in done.stderr and 'passed' not in done.stdout


def test_stored_twice_is_the_same(tmp_path):
    cells = ['print(1)\nprint(2, flush=True)\nprint(3)', 'from ipywidgets import interact\ninteract(lambda n: print(n), n=(0, 5));',
             'from tqdm.auto import tqdm\nfor _ in tqdm(range(3)): pass', 'import os; os.environ.get("IN_TEST")', 'object']
    path = write(tmp_path/'01_store.ipynb', *cells)
    first, again = [(tool('notebooks.py', 'store', path).returncode, path.read_bytes()) for _ in range(2)]
    assert first == again and first[0] == 0
    outputs = [c['outputs'] for c in json.loads(first[1])['cells'] if c['cell_type'] == 'code']
    assert outputs[0][0]['text'] == ['1\n', '2\n', '3\n'] and len(outputs[0]) == 1 and outputs[2] == outputs[3] == []
    assert [o['data'] for o in outputs[1] if 'data' in o] == [{'text/plain': ['A slider stands here while the notebook runs.']}]


PLOT = '%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2, {}]); plt.show()'


def test_stored_outputs_are_compared(tmp_path):
    "Another number, word or figure is named; of a cell with measured figures only the words count."
    measured = '#| measured\nimport time, random\nprint(f"{} in {random.randint(1, 10**6):,} s")'
    path = write(tmp_path/'01_check.ipynb', 'print("1.50")', PLOT.format(3), measured.replace('{}', 'done', 1))
    assert tool('notebooks.py', 'store', path).returncode == 0
    done = tool('notebooks.py', 'check', path)
    assert done.returncode == 0 and 'as stored' in done.stdout, done.stdout
    for i, (source, words) in enumerate({'print("1.51")': "cell 2: stored '1.50'\n            now '1.51'", PLOT.format(3.1): 'cell 3: another figure',
                                         measured.replace('{}', 'finished', 1): "cell 4: stored 'done in 0 s"}.items(), 1):
        change(path, lambda cells: cells[i].update(source=source))
        done = tool('notebooks.py', 'check', path)
        assert done.returncode == 1 and words in done.stdout and done.stdout.count('cell ') == i, done.stdout


def test_each_cell_twice(tmp_path):
    "A cell that goes on from what it left itself shows something else the second time; a run that is not doubled does not see it."
    path = write(tmp_path/'01_twice.ipynb', 'n = 1', 'n = n + 1\nn')
    assert tool('notebooks.py', 'store', path).returncode == tool('notebooks.py', 'check', path).returncode == 0
    done = tool('notebooks.py', 'check', path, '--twice')
    assert done.returncode == 1 and "cell 3: stored '2'\n            now '3'" in done.stdout, done.stdout


def test_mutation_names_what_nobody_checks(tmp_path):
    "A chapter that checks its function notices every change; one that does not is told which line; one that fails as it is counts for nothing, and where it failed is told."
    add = '#| export\ndef add(a, b):\n    total = a + b\n    return total'
    good, bad, broken = (write(tmp_path/f'0{i}_{i}.ipynb', add, check) for i, check in enumerate(('assert add(1, 2) == 3', 'add(1, 2)', 'assert add(1, 2) == 4')))
    for path, words in ((good, '1 of 1 wrong versions noticed'), (bad, '01_1.ipynb: a + b  ->  a - b    in: total = a + b'), (broken, 'AssertionError() in\nassert add(1, 2) == 4\n02_2.ipynb fails as it is')):
        done = tool('mutate.py', path, '--sample', '9')
        assert words in done.stdout and done.returncode == (path != good), done.stdout + done.stderr


def test_sliders_hold_nothing_up(tmp_path):
    "A reply that comes in while a slider's message goes out is noticed too: 60 sliders in far less than the time one cell may take."
    path = write(tmp_path/'01_sliders.ipynb', 'from ipywidgets import interact', *['interact(lambda a: print(a), a=(0, 5));']*60)
    assert tool('notebooks.py', 'store', path).returncode == 0


@pytest.fixture
def tree(tmp_path):
    "A copy of what the checks read."
    for folder in ('nbs', 'foundations'): shutil.copytree(ROOT/folder, tmp_path/folder, ignore=shutil.ignore_patterns('__pycache__', 'mnist', '.ipynb_checkpoints'))
    shutil.copy(ROOT/'settings.ini', tmp_path)
    return tmp_path


def change(path, edit):
    "Let `edit` change the cells of the notebook at `path`, and write it as nbdev does."
    nb = json.loads(path.read_text(encoding='utf-8'))
    edit(nb['cells'])
    path.write_text(json.dumps(nb, sort_keys=True, indent=1, ensure_ascii=False) + '\n', encoding='utf-8')


def exported(cells): return next(c for c in cells if ''.join(c['source']).startswith('#| export\ndef'))


FAULTS = {
    'nbs/02_data.ipynb: nbdev_clean had to': lambda tree: change(tree/'nbs/02_data.ipynb', lambda cells: next(c for c in cells if c['cell_type'] == 'code').update(execution_count=7)),
    'foundations/loss.py: nbdev_export had to': lambda tree: (tree/'foundations/loss.py').write_text('x = 1\n'),
    'foundations/forward.py: nbdev_export had to': lambda tree: change(tree/'nbs/05_forward.ipynb', lambda cells: exported(cells)['source'].append('\nx = 1')),
    'foundations/orphan.py: no notebook exports': lambda tree: (tree/'foundations/orphan.py').write_text('x = 1\n'),
    'foundations/init.py: nbdev_export had to': lambda tree: (tree/'foundations/init.py').unlink(),
    'exports code that imports foundations.loss': lambda tree: change(tree/'nbs/02_data.ipynb', lambda cells: exported(cells)['source'].append('\ndef late():\n    from foundations.loss import mse')),
    'exports code that imports foundations.train': lambda tree: change(tree/'nbs/02_data.ipynb', lambda cells: exported(cells)['source'].append('\nimport foundations.train')),
    'exports mnist, which 02_data.ipynb exports': lambda tree: change(tree/'nbs/06_mse.ipynb', lambda cells: exported(cells)['source'].append('\ndef mnist(): pass')),
}


def test_tree(tree):
    "As it is: nothing. Each fault is named, and what can be mended is: a second look finds the rest only."
    assert check(tree) == []
    for words, plant in FAULTS.items():
        plant(tree)
        assert any(words in line for line in check(tree)), words
    assert len(check(tree)) == 4      # the orphan, two imports, the name exported twice


def test_a_readers_work_is_safe(tmp_path):
    (tmp_path/'nbs').mkdir()
    original = write(tmp_path/'nbs/01_one.ipynb', 'a = 1')
    mine = tmp_path/'my/01_one.ipynb'
    assert list(update(tmp_path)) == [] and mine.read_bytes() == original.read_bytes()
    write(mine, 'a = 2')
    assert list(update(tmp_path)) == []                                # the reader's edits are nobody's business
    work = mine.read_bytes()
    write(original, 'a = 3')
    said, = update(tmp_path)
    assert '01_one.ipynb has changed' in said and 'cp nbs/01_one.ipynb my/new_01_one.ipynb' in said and mine.read_bytes() == work
    write(tmp_path/'nbs/02_two.ipynb', 'b = 1')
    assert len(list(update(tmp_path))) == 1 and (tmp_path/'my/02_two.ipynb').exists()


def test_the_notes_table_says_what_its_map_draws():
    "The 49 verdicts in the table of chapter 99, in order, are those of the dict behind its map and its count."
    cells = [''.join(c['source']) for c in json.loads((ROOT/'nbs/99_the_note.ipynb').read_text(encoding='utf-8'))['cells']]
    table = next(c for c in cells if c.startswith('## Deeper: which of the 49'))
    rows = re.findall(r'^\| <a id="note-(\d+)"></a>(\d+) \|.*\| \*\*(\w).*\]\(.*\|$', table, re.M)
    page = re.search(r'^page = (\{.*?\})', next(c for c in cells if 'verdict = dict' in c), re.M | re.S)[1]
    assert [int(a) for a, *_ in rows] == [int(b) for _, b, _ in rows] == list(range(1, 50))
    assert ''.join(v.lower() for *_, v in rows) == ''.join(ast.literal_eval(page).values())
