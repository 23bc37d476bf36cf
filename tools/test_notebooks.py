"""Run nbdev_test on every notebook: one process a notebook, two at a time, each on one thread and with a time limit.

    python tools/test_notebooks.py [NOTEBOOK ...]
"""
import os, subprocess, sys, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIMIT = int(os.environ.get('NOTEBOOK_SECONDS', 300))


def test(path):
    "What nbdev_test says of one notebook, None if it passes; the failing cell is named in it."
    start, command = time.perf_counter(), Path(sys.executable).with_name('nbdev_test')
    try:
        done = subprocess.run([command, '--path', path, '--n_workers', '0'], cwd=ROOT, timeout=LIMIT, text=True, capture_output=True,
                              stdin=subprocess.DEVNULL, env={**os.environ, 'OMP_NUM_THREADS': '1', 'MPLBACKEND': 'agg'})
        error = done.stdout + done.stderr if done.returncode else None
    except subprocess.TimeoutExpired: error = f'stopped: it takes longer than {LIMIT} s'
    print(f'{"FAILED" if error else "passed":>9} {path.stem:20}{time.perf_counter() - start:6.1f} s', flush=True)
    return error


def main():
    paths = [Path(p).resolve() for p in sys.argv[1:]] or sorted((ROOT/'nbs').glob('[0-9]*.ipynb'))
    if missing := [str(p) for p in paths if not p.is_file()]: sys.exit(f'no such notebook: {", ".join(missing)}')     # nbdev_test passes over it
    with ThreadPoolExecutor(2) as two: errors = dict(zip(paths, two.map(test, paths)))
    failed = {path: error for path, error in errors.items() if error}
    for path, error in failed.items(): print(f'\n{path.name}:\n{error.strip()}')
    print(f'\nnotebooks: {len(paths) - len(failed)} passed, {len(failed)} failed')
    sys.exit(bool(failed) or not paths)


if __name__ == '__main__': main()
