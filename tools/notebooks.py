"""Run the course's notebooks, each in a fresh kernel on one thread.

    python tools/notebooks.py store [NOTEBOOK ...]     store the outputs in the files, clean; where a cell fails, the file stays as it is
    python tools/notebooks.py check [NOTEBOOK ...]     are the stored outputs what comes out? Text to the letter, figures to 1 pixel in 200

Without names: every numbered notebook in nbs/. In a cell with the directive `#| measured` (times, and what follows from them) only the words
are compared, without less, about the same and more; and pictures not at all. With --turn NAME only a quarter is run of the notebooks
whose cells a test shortens or whose times it measures: which, the name decides (in CI the commit's). All others JupyterLab runs whole in
the browser's test, and every byte is compared there.
"""
import argparse, asyncio, base64, io, json, math, os, re, sys, time, zlib
from pathlib import Path
from queue import Empty

import nbformat, numpy
from matplotlib.image import imread
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from tidy import tidy

NBS = Path(__file__).resolve().parent.parent/'nbs'
ANSI = re.compile(r'\x1b\[[0-9;]*m')
MEASURED = re.compile(r'^#\|\s*measured\s*$', re.M)
FIGURES = re.compile(r'\d[\d.,]*(e[+-]?\d+)?|\b(less|about the same|more)\b')


class Client(NotebookClient):
    "Knows which cell it is at, and looks for a reply once a second: one that comes in while a slider's message goes out wakes nobody."
    at = 0

    async def async_execute_cell(self, cell, cell_index, *args, **kwargs):
        self.at = cell_index + 1
        return await super().async_execute_cell(cell, cell_index, *args, **kwargs)

    async def async_start_new_kernel_client(self):
        client = await super().async_start_new_kernel_client()
        get = client.shell_channel.get_msg
        async def get_msg(timeout=None):
            end = math.inf if timeout is None else time.monotonic() + timeout
            while True:
                try: return await get(timeout=max(0, min(1, end - time.monotonic())))
                except Empty:
                    if time.monotonic() >= end: raise
        client.shell_channel.get_msg = get_msg
        return client


async def execute(path, timeout, times=1):
    "Run one notebook, each cell `times` times in a row; returns it as a dict with the last outputs, clean, and an error or None."
    nb = nbformat.read(path, as_version=4)
    client = Client(nb, timeout=timeout, kernel_name='python3', extra_arguments=['--log-level=40'], resources={'metadata': {'path': str(NBS)}})
    env = {k: v for k, v in os.environ.items() if k not in ('MPLBACKEND', 'IN_TEST')}
    try:
        async with client.async_setup_kernel(env={**env, 'OMP_NUM_THREADS': '1'}):
            for i, cell in enumerate(nb.cells):
                for _ in range(times): await client.async_execute_cell(cell, i)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as e:
        return None, f'{path.name}, cell {client.at} of {len(nb.cells)}:\n\n{nb.cells[client.at - 1].source}\n\n{ANSI.sub("", str(e)).strip()}'
    plain = json.loads(nbformat.writes(nb))
    tidy(plain)
    return plain, None


def same_picture(a, b):
    "Do two PNGs in base64 show the same? At most one pixel in 200 may differ, by more than a tenth of white."
    a, b = (imread(io.BytesIO(base64.b64decode(''.join(png)))) for png in (a, b))
    return a.shape == b.shape and (numpy.abs(a - b).max(-1) > .1).mean() <= 1/200


def pieces(cell):
    "What a cell shows, as (kind, content), text joined; of a cell with measured times the words alone."
    measured = MEASURED.search(''.join(cell['source']))
    for out in cell['outputs']:
        for kind, content in sorted({out.get('name', 'error'): out.get('text', out.get('evalue')), **out.get('data', {})}.items(), key=str):
            if content is None or measured and kind.startswith('image/'): continue
            text = content if isinstance(content, str) else ''.join(content)
            yield kind, re.sub(r'\W+', ' ', FIGURES.sub('0', text)) if measured and kind != 'image/png' else text


def differences(stored, fresh):
    "A line for each cell whose stored outputs are not those of the run."
    for number, cells in enumerate(zip(stored['cells'], fresh['cells']), 1):
        if cells[0]['cell_type'] != 'code': continue
        a, b = (list(pieces(cell)) for cell in cells)
        if [kind for kind, _ in a] != [kind for kind, _ in b]: yield f'cell {number}: stored {[kind for kind, _ in a]}, now {[kind for kind, _ in b]}'
        else:
            for (kind, old), (_, new) in zip(a, b):
                if kind == 'image/png' and not same_picture(old, new): yield f'cell {number}: another figure'
                elif kind != 'image/png' and old != new:
                    lines = next(((x, y) for x, y in zip(old.splitlines() + [''], new.splitlines() + ['']) if x != y), (old, new))
                    yield 'cell {}: stored {!r:.200}\n{:>15} {!r:.200}'.format(number, lines[0], 'now', lines[1])


async def work(mode, path, timeout, times):
    "Store or check one notebook; returns what is wrong."
    start = time.perf_counter()
    fresh, error = await execute(path, timeout, times)
    if error and 'KeyboardInterrupt' in error: sys.exit(f'stopped in {path.name}')
    if error: faults = [f'FAILED in {error}']
    elif mode == 'check': faults = [f'{path.name}, {line}' for line in differences(json.loads(path.read_text(encoding='utf-8')), fresh)]
    else: faults = path.write_text(json.dumps(fresh, sort_keys=True, indent=1, ensure_ascii=False) + '\n', encoding='utf-8') and []
    print(f'{"FAULTY" if faults else "stored" if mode == "store" else "as stored"} {path.stem:20}{time.perf_counter() - start:6.1f} s', flush=True)
    for fault in faults: print(fault, flush=True)
    return faults


async def all_of(mode, paths, timeout, jobs, times):
    "Work on `paths`, `jobs` at a time."
    turn = asyncio.Semaphore(jobs)
    async def one(path):
        async with turn: return await work(mode, path, timeout, times)
    return [fault for faults in await asyncio.gather(*map(one, paths)) for fault in faults]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('mode', choices=['store', 'check'])
    parser.add_argument('notebooks', nargs='*', type=Path)
    parser.add_argument('--timeout', type=int, default=900, help='seconds one cell may take (default 900)')
    parser.add_argument('--turn', help='run only a quarter of those that are shortened under test')
    parser.add_argument('--jobs', type=int, default=1, help='how many notebooks at a time (default 1)')
    parser.add_argument('--twice', action='store_true', help='run each cell twice in a row: it must show the same again')
    args = parser.parse_args()
    if missing := [str(p) for p in args.notebooks if not p.is_file()]: parser.error(f'no such notebook: {", ".join(missing)}')
    paths = args.notebooks or sorted(NBS.glob('[0-9]*.ipynb'))
    if args.turn: paths = [p for p in paths if re.search(r'in_test\(|"#\| measured', p.read_text(encoding='utf-8'))][zlib.crc32(args.turn.encode()) % 4::4]
    sys.exit(bool(asyncio.run(all_of(args.mode, paths, args.timeout, args.jobs, 1 + args.twice))))


if __name__ == '__main__': main()
