"""The library as others get it: from a wheel, in another folder, without the notebooks' tools."""
import importlib, shutil, subprocess, sys
from pathlib import Path
import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted(p.stem for p in (ROOT/'foundations').glob('*.py') if not p.stem.startswith('_'))


@pytest.fixture(scope='module')
def installed(tmp_path_factory):
    "A folder with nothing but the package in it, installed from its wheel."
    folder, source = tmp_path_factory.mktemp('site'), tmp_path_factory.mktemp('source')/'course'
    # built from a copy: building leaves files in the source folder; with the setuptools that is here, so that no network is needed
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns('.*', 'build', 'dist', '_*', '*.egg-info', 'nbs', '__pycache__'))
    for name in ('__init__.py', '_modidx.py'): shutil.copy(ROOT/'foundations'/name, source/'foundations')
    subprocess.run([sys.executable, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '--no-build-isolation', '--target', str(folder), str(source)], check=True)
    return folder


def python(code, path, cwd):
    done = subprocess.run([sys.executable, '-c', code], cwd=cwd, env={'PYTHONPATH': str(path), 'PATH': ''}, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


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
