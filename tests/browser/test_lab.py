"""JupyterLab as `make lab` starts it, in a real browser: every notebook runs from top to bottom, the slider works, and saving leaves git clean."""
import json, os, re, shutil, signal, socket, subprocess, time, urllib.request
from pathlib import Path
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
NOTEBOOKS = sorted(p.name for p in (ROOT/'nbs').glob('[0-9]*.ipynb'))
MEASURED = {'01_matmul.ipynb', '08_layers.ipynb', '13_speed.ipynb'}   # show ratios of times, which may move by a digit


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
    env = {**{k: v for k, v in os.environ.items() if k not in ('DISPLAY', 'WAYLAND_DISPLAY')}, 'IN_TEST': '1', 'OMP_NUM_THREADS': '1'}
    server = subprocess.Popen(['make', 'lab', f'LAB_FLAGS=--port={port} --ServerApp.port_retries=0 --IdentityProvider.token=test'], cwd=folder, env=env,
                              start_new_session=True, stdout=subprocess.DEVNULL, stderr=open(folder.parent/'log', 'w'))
    address = f'http://127.0.0.1:{port}'
    for _ in range(120):
        try: urllib.request.urlopen(f'{address}/api?token=test'); break
        except OSError: time.sleep(.5)
    yield address, folder
    os.killpg(server.pid, signal.SIGTERM)
    server.wait(20)


def open_notebook(browser, address, name):
    page = browser.new_page(viewport={'width': 1280, 'height': 1000})
    page.goto(f'{address}/lab/workspaces/{Path(name).stem}/tree/nbs/{name}?token=test&reset')
    page.wait_for_selector('.jp-NotebookPanel:visible .jp-Cell')
    page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]:visible', timeout=60_000)
    return page


def menu(page, top, item):
    page.click(f'#jp-MainMenu >> text="{top}"')
    page.click(f'.lm-Menu-itemLabel >> text="{item}"')


def run_all(page):
    "Run > Run All Cells, and wait until the kernel is idle."
    menu(page, 'Run', 'Run All Cells')
    page.wait_for_timeout(500)
    page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]:visible', timeout=240_000)


def save(page, path):
    before = path.stat().st_mtime_ns
    page.keyboard.press('Control+s')
    for _ in range(100):
        if path.stat().st_mtime_ns != before: break
        page.wait_for_timeout(100)
    page.wait_for_timeout(500)


def counts(cells):
    "How many code cells hold code."
    return sum(c['cell_type'] == 'code' and bool(''.join(c['source']).strip()) for c in cells)


@pytest.mark.parametrize('name', NOTEBOOKS)
def test_run_all_and_save(browser, lab, shots, name):
    address, folder = lab
    page = open_notebook(browser, address, name)
    run_all(page)
    page.screenshot(path=str(shots/f'lab-{Path(name).stem}.png'))
    status = page.evaluate('document.title')
    save(page, folder/'nbs'/name)
    stored = json.loads((folder/'nbs'/name).read_text(encoding='utf-8'))
    errors = [o['evalue'] for c in stored['cells'] for o in c.get('outputs', []) if o['output_type'] == 'error']
    assert errors == [], (status, errors)
    original = json.loads((ROOT/'nbs'/name).read_text(encoding='utf-8'))
    assert [c['source'] for c in stored['cells']] == [c['source'] for c in original['cells']]
    shortened = 'IN_TEST' in json.dumps(original)          # a long run shows other figures when it is cut short for a test
    if name not in MEASURED and not shortened:
        assert subprocess.run(['git', '-C', str(folder), 'status', '--porcelain', '--', f'nbs/{name}'], text=True, capture_output=True).stdout == ''
    page.close()


def test_slider_moves_its_plot(browser, lab, shots):
    address, folder = lab
    page = open_notebook(browser, address, '04_init.ipynb')
    run_all(page)
    handle = page.locator('.widget-slider .noUi-handle').first
    handle.scroll_into_view_if_needed()
    picture = page.locator('.widget-output img, .jp-OutputArea .widget-interact img').first
    before = picture.get_attribute('src')
    handle.focus()
    for _ in range(5): page.keyboard.press('ArrowRight')
    page.wait_for_function('([src]) => [...document.querySelectorAll(".widget-interact img, .widget-output img")].some(i => i.src !== src)', arg=[before])
    page.wait_for_timeout(1500)
    page.screenshot(path=str(shots/'lab-slider.png'))
    assert picture.get_attribute('src') != before
    page.close()
