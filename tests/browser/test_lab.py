"""JupyterLab as `make lab` starts it, in a real browser: every notebook runs from top to bottom, the slider works, and saving leaves git clean."""
import json, os, re, shutil, signal, socket, subprocess, time, urllib.request
from pathlib import Path
import nbformat, pytest

ROOT = Path(__file__).resolve().parent.parent.parent
NOTEBOOKS = sorted(p.name for p in (ROOT/'nbs').glob('[0-9]*.ipynb'))


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


@pytest.fixture(scope='session')
def lab(browser, tmp_path_factory):
    "The address of a JupyterLab started by `make lab` in a copy of the tree, and the folder of that copy, under git."
    if not (ROOT/'.venv/.ready').exists(): pytest.skip('set up by hand: run it by make browser')
    folder, port = tmp_path_factory.mktemp('lab')/'course', free_port()
    shutil.copytree(ROOT, folder, symlinks=True, ignore=shutil.ignore_patterns('.git', '.venv', '_site', '.pytest_cache', '.ipynb_checkpoints'))
    (folder/'.venv').symlink_to(ROOT/'.venv')
    git = ['git', '-C', str(folder), '-c', 'user.name=test', '-c', 'user.email=test@localhost']
    for command in (['init', '-q'], ['add', '-A'], ['commit', '-qm', 'as it is']): subprocess.run(git + command, check=True)
    for name in ('settings.ini', 'setup.py', 'constraints.txt', 'tools/setup.sh'): os.utime(folder/name, (0, 0))   # already installed
    env = {**{k: v for k, v in os.environ.items() if k not in ('DISPLAY', 'WAYLAND_DISPLAY', 'OMP_NUM_THREADS')}, 'IN_TEST': '1'}
    server = subprocess.Popen(['make', 'lab', f'LAB_FLAGS=--port={port} --ServerApp.port_retries=0 --IdentityProvider.token=test --LabApp.expose_app_in_browser=True'], cwd=folder, env=env,
                              start_new_session=True, stdout=subprocess.DEVNULL, stderr=open(folder.parent/'log', 'w'))
    address = f'http://127.0.0.1:{port}'
    for _ in range(120):
        try: urllib.request.urlopen(f'{address}/api?token=test'); break
        except OSError: time.sleep(.5)
    yield address, folder
    os.killpg(server.pid, signal.SIGTERM)
    server.wait(20)


READY = '''cells => {   // all cells are there, and the kernel is connected: before that, Run All asks which kernel to take
  const notebook = window.jupyterapp?.shell.currentWidget, session = notebook?.sessionContext;
  return session?.isReady && session.session?.kernel?.status === 'idle' && notebook.content.widgets.length === cells;
}'''


def open_notebook(browser, address, folder, name):
    page = browser.new_page(viewport={'width': 1280, 'height': 1000})
    page.goto(f'{address}/lab/workspaces/{Path(name).stem}/tree/nbs/{name}?token=test&reset')
    cells = len(json.loads((folder/'nbs'/name).read_text(encoding='utf-8'))['cells'])
    page.wait_for_function(READY, arg=cells, timeout=120_000)
    return page


def menu(page, top, item):
    page.click(f'#jp-MainMenu >> text="{top}"')
    page.click(f'.lm-Menu-itemLabel >> text="{item}"')


CELLS = '''() => {
  const cells = jupyterapp.shell.currentWidget.content.widgets.filter(c => c.model.type === 'code' && c.model.sharedModel.getSource().trim());
  const failed = cell => [...Array(cell.model.outputs.length).keys()].some(i => cell.model.outputs.get(i).type === 'error');
'''
FAILED = CELLS + 'return cells.some(failed) }'
RAN = CELLS + 'return cells.some(failed) || cells.every(c => c.model.executionCount) }'


def run_all(page):
    "Run > Run All Cells, and wait until all have run, or one has failed, and the kernel is idle."
    menu(page, 'Run', 'Run All Cells')
    page.wait_for_function(RAN, timeout=240_000)
    page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]:visible', timeout=60_000)


def save(page, path):
    before = path.stat().st_mtime_ns
    page.keyboard.press('Control+s')
    for _ in range(100):
        if path.stat().st_mtime_ns != before: break
        page.wait_for_timeout(100)
    page.wait_for_timeout(500)


def move_slider(page):
    "Move the first slider by the keyboard, as a reader may; its plot must change."
    slider = page.locator('.widget-interact').first
    slider.scroll_into_view_if_needed()
    picture = lambda: slider.locator('.widget-output').inner_html()
    before = picture()
    assert '<img' in before
    slider.locator('.noUi-handle').first.focus()
    for _ in range(5): page.keyboard.press('ArrowRight')
    for _ in range(300):
        page.wait_for_timeout(100)
        if '<img' in picture() != before: return
    raise AssertionError('the slider moved and its plot stayed')


def end_kernels(address):
    "A closed tab leaves its kernel running; end them all, they hold much memory."
    call = lambda path, method: urllib.request.urlopen(urllib.request.Request(f'{address}/api/{path}?token=test', method=method)).read()
    for session in json.loads(call('sessions', 'GET')): call(f'sessions/{session["id"]}', 'DELETE')


def read_through(browser, lab, shots, name):
    "A reader's way through a notebook: open, Run All, move a slider if there is one, save. Returns what went wrong, in words."
    address, folder = lab
    page, path = open_notebook(browser, address, folder, name), folder/'nbs'/name
    original = json.loads(path.read_text(encoding='utf-8'))
    sources = [''.join(c['source']) for c in original['cells']]
    unsaved = []
    try:
        if page.evaluate('() => jupyterapp.shell.currentWidget.context.model.dirty'): unsaved.append('opens as unsaved')
        run_all(page)
        if any('interact(' in source for source in sources) and not page.evaluate(FAILED): move_slider(page)
        save(page, path)
    finally:
        page.screenshot(path=str(shots/f'lab-{path.stem}.png'))
        page.close()
        end_kernels(address)
    stored = json.loads(path.read_text(encoding='utf-8'))
    found = unsaved + [o['evalue'] for c in stored['cells'] for o in c.get('outputs', []) if o['output_type'] == 'error']
    if [''.join(c['source']) for c in stored['cells']] != sources: found.append('the cells are not what they were')
    # a long run shows other figures when it is cut short for a test, and measured times move by a digit
    exempt = any('in_test(' in source or source.startswith('#| measured\n') for source in sources)
    status = subprocess.run(['git', '-C', str(folder), 'status', '--porcelain'], text=True, capture_output=True, check=True).stdout
    for file in (line[3:] for line in status.splitlines()):
        if not exempt and file == f'nbs/{name}' or not file.endswith('.ipynb'): found.append(f'not clean: {file}')
    return found


@pytest.mark.parametrize('name', NOTEBOOKS)
def test_run_all_move_and_save(browser, lab, shots, name):
    assert read_through(browser, lab, shots, name) == []


def test_planted_faults_are_found(browser, lab, shots):
    "The checks can fail: an error, and an output that differs from run to run, are named."
    _, folder = lab
    cells = [nbformat.v4.new_code_cell('import time; print(time.time())'), nbformat.v4.new_code_cell('1/0')]
    nb = nbformat.v4.new_notebook(cells=cells, metadata={'kernelspec': {'name': 'python3', 'display_name': 'python3', 'language': 'python'}})
    nbformat.write(nb, folder/'nbs'/'99_planted.ipynb')
    found = read_through(browser, lab, shots, '99_planted.ipynb')
    assert 'division by zero' in found and any(f.startswith('not clean') for f in found)


def test_exercises_judge(browser, lab, shots):
    "An unsolved chapter runs through; then a wrong answer, a hint, the right answer and the table of what was done."
    address, folder = lab
    nb = nbformat.read(folder/'nbs'/'05_forward.ipynb', as_version=4)
    asked = ["from foundations.exercises import hint, progress", "check('own relu', lambda x: x.abs())", "hint('own relu')",
             "check('own relu', lambda x: x.clamp(min=0))", "progress()"]
    nb.cells += [nbformat.v4.new_code_cell(source) for source in asked]
    nbformat.write(nb, folder/'nbs'/'98_try.ipynb')
    page = open_notebook(browser, address, folder, '98_try.ipynb')
    try:
        run_all(page)
        assert not page.evaluate(FAILED)
        said = page.evaluate(CELLS.replace("const failed", "const text = c => [...Array(c.model.outputs.length).keys()].map(i => JSON.stringify(c.model.outputs.get(i).toJSON())).join(); const failed")
                             + f'return cells.slice(-{len(asked)}).map(text) }}')
    finally:
        page.screenshot(path=str(shots/'lab-exercises.png'))
        page.close()
        end_kernels(address)
        (folder/'nbs'/'98_try.ipynb').unlink()
    assert 'absolute value' in said[1] and 'hint 1 of 2' in said[2] and 'ok' in said[3].lower() and 'own relu' in said[4], said
