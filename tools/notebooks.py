"""Run the course's notebooks, each alone in a fresh kernel.

    python tools/notebooks.py test [NOTEBOOK ...]     run them and say how long each took; change nothing
    python tools/notebooks.py store [NOTEBOOK ...]    run them and store their outputs, clean, in the files

Without names: every numbered notebook in nbs/. Tests run with IN_TEST=1, as nbdev_test does, so that a long run can shorten itself.
Each kernel computes on one thread, so that two of them share two cores without getting in each other's way.
"""
import argparse, asyncio, json, math, os, re, sys, time
from pathlib import Path
from queue import Empty

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from tidy import tidy

NBS = Path(__file__).resolve().parent.parent/'nbs'
RUNTIMES = NBS.parent/'docs'/'runtimes.json'
PEAK = "import resource, sys; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024**2 if sys.platform == 'darwin' else 1024))"
ANSI = re.compile(r'\x1b\[[0-9;]*m')


class Client(NotebookClient):
    "A notebook's run: skips cells marked `#| eval: false`, and knows which cell it is at."
    at = 0

    async def async_execute_cell(self, cell, cell_index, *args, **kwargs):
        self.at = cell_index + 1
        if cell.cell_type == 'code' and re.search(r'^\s*#\s*\|\s*eval:\s*false', cell.source, re.M):
            cell.outputs = []
            return cell
        return await super().async_execute_cell(cell, cell_index, *args, **kwargs)

    async def async_start_new_kernel_client(self):
        "The kernel's client, which looks for a reply once a second: one that comes in while a slider's message goes out wakes nobody."
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

    async def peak_memory(self):
        "The kernel's peak memory in MB."
        self.nb.cells.append(nbformat.v4.new_code_cell(PEAK))
        cell = await super().async_execute_cell(self.nb.cells[-1], len(self.nb.cells) - 1, store_history=False)
        self.nb.cells.pop()
        return int(cell.outputs[0]['text'])


def write(path, nb):
    "Store notebook `nb`, in the form in which nbdev_clean leaves it alone."
    plain = json.loads(nbformat.writes(nb))
    tidy(plain)
    path.write_text(json.dumps(plain, sort_keys=True, indent=1, ensure_ascii=False) + '\n', encoding='utf-8')


def note_runtime(path, seconds):
    "Keep how long a chapter takes, rounded up to 10 s, for the website. A figure stays until it is clearly wrong, so that it does not flicker."
    times = json.loads(RUNTIMES.read_text()) if RUNTIMES.exists() else {}
    if times.get(path.stem, 0) / 3 < seconds <= times.get(path.stem, 0): return
    times[path.stem] = 10 * math.ceil(seconds / 10)
    RUNTIMES.write_text(json.dumps(times, indent=1, sort_keys=True) + '\n')


async def run(path, mode, timeout):
    "Run one notebook; returns (error or None, seconds, MB)."
    nb = nbformat.read(path, as_version=4)
    client = Client(nb, timeout=timeout, kernel_name='python3', extra_arguments=['--log-level=40'],
                    resources={'metadata': {'path': str(NBS)}})
    start, memory, error = time.perf_counter(), 0, None
    try:
        async with client.async_setup_kernel(env=environment(mode)):
            for i, cell in enumerate(nb.cells): await client.async_execute_cell(cell, i)
            memory = await client.peak_memory()
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as e:
        error = f'{path.name}, cell {client.at} of {len(nb.cells)}:\n\n{nb.cells[client.at - 1].source}\n\n{ANSI.sub("", str(e)).strip()}'
    else:
        if mode == 'store':
            write(path, nb)
            if path.resolve().parent == NBS: note_runtime(path, time.perf_counter() - start)
    return error, time.perf_counter() - start, memory


def environment(mode):
    "The kernel's environment: one thread, and nothing of this shell's that would change what is shown."
    env = {k: v for k, v in os.environ.items() if k not in ('MPLBACKEND', 'IN_TEST')}
    return {**env, 'OMP_NUM_THREADS': '1', **({'IN_TEST': '1'} if mode == 'test' else {})}


async def run_all(paths, mode, workers, timeout):
    "Run `paths`, `workers` at a time; after a failure nothing new is started. Returns (passed, errors)."
    queue, passed, errors = list(paths), [], []

    async def worker():
        while queue and not errors:
            path = queue.pop(0)
            print(f'  running {path.stem}', flush=True)
            error, seconds, memory = await run(path, mode, timeout)
            if error: errors.append(error)
            else: passed.append(path)
            print(f'{"FAILED" if error else "passed":>9} {path.stem:24}{seconds:6.1f} s{memory:7} MB', flush=True)

    await asyncio.gather(*(worker() for _ in range(workers)))
    return passed, errors


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('mode', choices=['test', 'store'])
    parser.add_argument('notebooks', nargs='*', type=Path)
    parser.add_argument('--workers', type=int, help='notebooks at a time (default: 2 for test, 1 for store, where speeds are measured)')
    parser.add_argument('--timeout', type=int, default=600, help='seconds one cell may take (default 600)')
    args = parser.parse_args()
    paths = args.notebooks or sorted(NBS.glob('[0-9]*.ipynb'))
    workers = args.workers or (min(2, os.cpu_count() or 1) if args.mode == 'test' else 1)
    start = time.perf_counter()
    passed, errors = asyncio.run(run_all(paths, args.mode, workers, args.timeout))
    for error in errors: print(f'\nFAILED in {error}')
    if len(passed) + len(errors) < len(paths): print(f'\n{len(paths) - len(passed) - len(errors)} not run after the failure')
    print(f'\nnotebooks: {len(passed)} passed, {len(errors)} failed, in {time.perf_counter() - start:.0f} s')
    sys.exit(1 if errors or not paths else 0)


if __name__ == '__main__': main()
