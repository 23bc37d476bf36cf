"""Run the course's notebooks, each in a fresh kernel on one thread, and store their outputs in the files, clean.

    python tools/notebooks.py store [NOTEBOOK ...] [--timeout SECONDS]

Without names: every numbered notebook in nbs/. Where a cell fails, the file stays as it is.
"""
import argparse, asyncio, json, math, os, re, sys, time
from pathlib import Path
from queue import Empty

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from tidy import tidy

NBS = Path(__file__).resolve().parent.parent/'nbs'
ANSI = re.compile(r'\x1b\[[0-9;]*m')


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


async def store(path, timeout):
    "Run one notebook and store its outputs; returns an error or None."
    nb = nbformat.read(path, as_version=4)
    client = Client(nb, timeout=timeout, kernel_name='python3', extra_arguments=['--log-level=40'], resources={'metadata': {'path': str(NBS)}})
    env = {k: v for k, v in os.environ.items() if k not in ('MPLBACKEND', 'IN_TEST')}
    try:
        async with client.async_setup_kernel(env={**env, 'OMP_NUM_THREADS': '1'}):
            for i, cell in enumerate(nb.cells): await client.async_execute_cell(cell, i)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as e:
        return f'{path.name}, cell {client.at} of {len(nb.cells)}:\n\n{nb.cells[client.at - 1].source}\n\n{ANSI.sub("", str(e)).strip()}'
    plain = json.loads(nbformat.writes(nb))
    tidy(plain)
    path.write_text(json.dumps(plain, sort_keys=True, indent=1, ensure_ascii=False) + '\n', encoding='utf-8')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('mode', choices=['store'])
    parser.add_argument('notebooks', nargs='*', type=Path)
    parser.add_argument('--timeout', type=int, default=900, help='seconds one cell may take (default 900)')
    args = parser.parse_args()
    for path in args.notebooks or sorted(NBS.glob('[0-9]*.ipynb')):
        start = time.perf_counter()
        error = asyncio.run(store(path, args.timeout))
        if error: sys.exit(f'FAILED in {error}')
        print(f'stored {path.stem:20}{time.perf_counter() - start:6.1f} s', flush=True)


if __name__ == '__main__': main()
