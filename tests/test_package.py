"""The library as others get it: from a wheel, in another folder, without the notebooks' tools, and the whole course as a source distribution."""
import importlib, os, shutil, subprocess, sys, tarfile
from pathlib import Path
import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted(p.stem for p in (ROOT/'foundations').glob('*.py') if not p.stem.startswith('_'))
BUILD = 'import sys; from setuptools import build_meta; print(getattr(build_meta, f"build_{sys.argv[1]}")(sys.argv[2]))'


def build(kind, source, folder):
    "Build 'sdist' or 'wheel' of the tree `source`, without a warning, with the setuptools that is here, so that no network is needed."
    env = {k: v for k, v in os.environ.items() if k != 'PYTHONDONTWRITEBYTECODE'}
    done = subprocess.run([sys.executable, '-W', 'error', '-c', BUILD, kind, str(folder)], cwd=source, env=env, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert 'warning' not in (done.stdout + done.stderr).lower(), done.stdout + done.stderr
    return folder/done.stdout.splitlines()[-1]


@pytest.fixture(scope='module')
def tree(tmp_path_factory):
    "A copy of the course: building leaves files in the source folder."
    copy = tmp_path_factory.mktemp('source')/'course'
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns('.*', 'build', 'dist', '_site', '_docs', '_proc', 'my', '*.egg-info', '__pycache__'))
    return copy


@pytest.fixture(scope='module')
def unpacked(tree, tmp_path_factory):
    "The source distribution, unpacked."
    folder = tmp_path_factory.mktemp('sdist')
    with tarfile.open(build('sdist', tree, folder)) as tar: tar.extractall(folder, filter='data') if hasattr(tarfile, 'data_filter') else tar.extractall(folder)
    return next(p for p in folder.iterdir() if p.is_dir())


@pytest.fixture(scope='module')
def installed(unpacked, tmp_path_factory):
    "A folder with nothing but the package in it, installed from the wheel that the source distribution makes."
    folder, wheel = tmp_path_factory.mktemp('site'), build('wheel', unpacked, tmp_path_factory.mktemp('wheel'))
    subprocess.run([sys.executable, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '--target', str(folder), str(wheel)], check=True)
    return folder


def python(code, path, cwd):
    done = subprocess.run([sys.executable, '-c', code], cwd=cwd, env={'PYTHONPATH': str(path), 'PATH': ''}, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_sdist_is_the_whole_course(tree, unpacked):
    "Every file is in it, so its notebooks can be tested; and the quick checks pass there."
    files, there = ({str(p.relative_to(root)) for p in root.rglob('*') if p.is_file() and '.egg-info' not in str(p) and '__pycache__' not in str(p)} for root in (tree, unpacked))
    assert files - there == set() and there - files == {'PKG-INFO', 'setup.cfg'}
    subprocess.run([sys.executable, str(unpacked/'tools/check_tree.py')], check=True)


# what a read-only file system does to a program, whoever runs it: files cannot be opened for writing, nothing can be made, removed or renamed
READ_ONLY = '''
import errno, os, sys
def refuse(event, args):
    if event == "open": writes = isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    else: writes = event in ("os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.link", "os.symlink", "os.truncate")
    if writes and args[0] != os.devnull: raise OSError(errno.EROFS, f"read-only file system: {event} {args[0]}")
sys.addaudithook(refuse)
try: open("probe", "w")
except OSError as e: assert e.errno == errno.EROFS
else: raise AssertionError("not read-only")
'''


def test_wheel_needs_no_home_and_writes_nothing(installed, tmp_path):
    code = READ_ONLY + '''
assert not {"HOME", "USERPROFILE", "TMPDIR"} & set(os.environ)
from foundations.all import *
x, y = mnist()[:2]
model, loss = Model(Linear(784, 10)), CrossEntropy()
opt = SGD(model.parameters(), 0.1)
for xb, yb in batches(normalize(x, x.mean(), x.std()), y, 500):
    loss(model(xb), yb)
    model.backward(loss.backward())
    opt.step()
    opt.zero_grad()
print(f"{evaluate(model, loss, normalize(x, x.mean(), x.std()), y)[1]:.2f}", check_grad.__name__, progress.__name__)'''
    accuracy, *names = python(code, installed, tmp_path).split()
    assert float(accuracy) > .85 and names == ['check_grad', 'progress']


def test_wheel_carries_mnist(installed, tmp_path):
    code = '''
import foundations
from foundations.data import mnist, mnist_test
print(foundations.__file__)
print(*(tuple(t.shape) for t in mnist() + mnist_test()), sep=";")'''
    where, shapes = python(code, installed, tmp_path).splitlines()
    assert where.startswith(str(installed))
    assert shapes == '(50000, 784);(50000,);(10000, 784);(10000,);(10000, 784);(10000,)'
    assert {p.name for p in (installed/'foundations').rglob('*') if p.suffix in ('.md', '.mplstyle')} == {'README.md', 'course.mplstyle'}


def test_imports_are_light(installed, tmp_path):
    "Beside torch a module brings nothing that is slow to import; fastcore's basics take milliseconds."
    code = f'''
import importlib, sys, time, torch
before = set(sys.modules)
for module in {MODULES}:
    importlib.import_module("foundations." + module)
    print(module, *sorted((set(sys.modules) - before) & {{"matplotlib", "IPython", "nbdev", "tqdm", "pandas"}}))'''
    assert python(code, installed, tmp_path).split() == MODULES


def test_all_hands_on_every_public_name():
    everything = {}
    exec('from foundations.all import *', everything)
    for name in MODULES:
        if name != 'all': assert set(importlib.import_module(f'foundations.{name}').__all__) <= set(everything), name


def test_every_module_names_its_exports():
    for name in MODULES:
        if name != 'all': assert '__all__ = [' in (ROOT/f'foundations/{name}.py').read_text(encoding='utf-8')
