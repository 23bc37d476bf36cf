"""Does a chapter notice when its own code is wrong? Change one operator, comparison, number or call of its exported code at a time and run it.

    python tools/mutate.py [NOTEBOOK ...] [--minutes M]          prints the changes that no cell notices; fails where a chapter notices less than 95%
    python tools/mutate.py --sample 24 --seed NAME               only 24 changes in six chapters, others for each NAME; fails below 95%

What was found is kept in .mutation, for as long as the chapter's code stays as it is: a run that was stopped goes on where it was.
A chapter of which 20 changes were tried gets its line in docs/mutation.md, with the number there are where that is more. A change that alters nothing anyone could see stands in equivalents.txt
beside this file: the line that is printed for it, and the reason.
"""
import argparse, ast, contextlib, copy, functools, hashlib, itertools, json, math, os, random, re, resource, signal, sys, time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EQUIVALENTS, TABLE, RESULTS = ROOT/'tools/equivalents.txt', ROOT/'docs/mutation.md', ROOT/'.mutation'
ENOUGH = .95                # of the wrong versions must be noticed
SECONDS, MEMORY = 120, 12 << 30     # processor time and bytes that a wrong version may take: beyond them it is noticed

SWAP = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult,
        ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
        ast.And: ast.Or, ast.Or: ast.And, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In}


def changes(node):
    "The wrong versions of `node` itself."
    def make(**fields):
        new = copy.deepcopy(node)
        for k, v in fields.items(): setattr(new, k, v)
        return new
    if isinstance(node, (ast.BinOp, ast.AugAssign)):
        if type(node.op) in SWAP: yield make(op=SWAP[type(node.op)]())
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.MatMult, ast.Sub, ast.Div)): yield make(left=node.right, right=node.left)
    elif isinstance(node, ast.BoolOp): yield make(op=SWAP[type(node.op)]())
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in SWAP: yield make(ops=[SWAP[type(node.ops[0])](), *node.ops[1:]])
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.Not)): yield node.operand
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool): yield make(value=not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, (int, float)): yield make(value=node.value + 1)
    elif isinstance(node, ast.Attribute) and node.attr in ('T', 'mT'): yield node.value
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not node.args and not node.keywords:       # x.relu() -> x
        if node.func.attr != 'item': yield node.func.value                                    # a tensor of one number computes as its number does
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call): yield ast.Pass()                                  # need(...) -> pass


def mutants(source):
    "(line, what it became, whole source) for each wrong version of an exported cell; messages of errors are left alone."
    tree = ast.parse(source)
    def visit(parent, path):
        for field, value in ast.iter_fields(parent):
            for i, child in enumerate(value if isinstance(value, list) else [value]):
                if not isinstance(child, ast.AST) or isinstance(child, (ast.Raise, ast.JoinedStr, ast.Assert, ast.Import, ast.ImportFrom)): continue
                if field in ('annotation', 'returns', 'decorator_list'): continue
                spot = path + [(field, i if isinstance(value, list) else None)]
                line = getattr(child, 'lineno', None)
                if line:
                    for new in changes(child): yield spot, child, new
                yield from visit(child, spot)
    for spot, old, new in visit(tree, []):
        wrong = copy.deepcopy(tree)
        parent = wrong
        for field, i in spot[:-1]: parent = getattr(parent, field) if i is None else getattr(parent, field)[i]
        field, i = spot[-1]
        if i is None: setattr(parent, field, new)
        else: getattr(parent, field)[i] = new
        yield getattr(old, 'lineno', 0), f'{ast.unparse(old)}  ->  {ast.unparse(new)}', ast.unparse(ast.fix_missing_locations(wrong))


def code_cells(path):
    "The notebook's code cells that tests run, and which of them are exported."
    cells = [''.join(c['source']) for c in json.loads(path.read_text(encoding='utf-8'))['cells'] if c['cell_type'] == 'code']
    cells = [c for c in cells if not re.search(r'^\s*#\s*\|\s*eval:\s*false', c, re.M)]
    return cells, [bool(re.search(r'^\s*#\s*\|\s*exports?\b', c, re.M)) for c in cells]


def wrong_versions(path):
    "(path, place of the cell, what was changed, its new source, a key) for each mutant of exported code that is not a known equivalent."
    cells, exported = code_cells(path)
    known = {line.rpartition('  # ')[0].strip() for line in EQUIVALENTS.read_text(encoding='utf-8').splitlines()}
    for i in (i for i, e in enumerate(exported) if e):
        for line, what, source in mutants(cells[i]):
            label = f'{path.name}: {what}    in: {cells[i].splitlines()[line - 1].strip()}'
            key = hashlib.sha256('\0'.join(cells[:i] + [source] + cells[i + 1:]).encode()).hexdigest()[:16]
            if label not in known: yield path, i, label, source, key


def results():
    "What was found so far: {key: did every cell pass?}."
    return dict(json.loads(line)[:2] for line in RESULTS.read_text(encoding='utf-8').splitlines()) if RESULTS.exists() else {}


def fork(work):
    "Let a child process, in a session of its own, do `work`; its id. It ends with 0 if that is true."
    if pid := os.fork(): return pid
    try:
        os.setsid()
        os._exit(0 if work() else 1)
    except BaseException: os._exit(2)


def passes(work):
    "Is `work`, in a child process, true before its time is over?"
    def limited(): return resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS)) or work()
    pid, end = fork(limited), time.monotonic() + 10*SECONDS          # for those that wait for ever
    while not (done := os.waitpid(pid, os.WNOHANG))[0] and time.monotonic() < end: time.sleep(.01)
    with contextlib.suppress(ProcessLookupError): os.killpg(pid, signal.SIGKILL)      # and whatever it has started
    return done[1] == 0 if done[0] else bool(os.waitpid(pid, 0)) and False


def try_chapter(path, wrong, end):
    "Run a notebook's cells in order; where one is exported, first each wrong version of it with the cells that follow, in a child. False if the notebook fails as it is."
    with contextlib.suppress(ValueError, OSError): resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    screen = os.dup(1)
    for stream, mode in enumerate((os.O_RDONLY, os.O_WRONLY, os.O_WRONLY)): os.dup2(os.open(os.devnull, mode), stream)
    from IPython.core.interactiveshell import InteractiveShell
    shell, cells = InteractiveShell.instance(), code_cells(path)[0]
    def run(cells, tell=False):
        for cell in cells:
            if (done := shell.run_cell(cell)).success: continue
            if tell: os.write(screen, f'{path.name}: {done.error_before_exec or done.error_in_exec!r} in\n{cell}\n'.encode())
            return False
        return True
    first, last = min(w[1] for w in wrong), max(w[1] for w in wrong)
    for i, cell in enumerate(cells[:last + 1]):
        if i == first and not passes(lambda: run(cells[i:], tell=True)):
            os.write(screen, f'{path.name} fails as it is, or takes more than {SECONDS} s\n'.encode())
            return False
        for _, place, label, source, key in wrong:
            if place != i or time.monotonic() > end: continue
            passed = passes(lambda: run([source, *cells[i + 1:]]))
            with RESULTS.open('a', encoding='utf-8') as f: f.write(json.dumps([key, passed, label]) + '\n')
            if passed: os.write(screen, f'  {label}\n'.encode())
        if i < last and not run([cell]): return False
    return True


def side_by_side(works, workers):
    "Do each (name, work) in a child process, `workers` at a time; yields (name, was it true?) as they end."
    works, running = iter(works), {}
    try:
        while True:
            while len(running) < workers and (work := next(works, None)): running[fork(work[1])] = work[0]
            if not running: return
            pid, status = os.wait()
            yield running.pop(pid), status == 0
    finally:
        for pid in running: os.killpg(pid, signal.SIGKILL)


def report(name, found, total, begin):
    part = '' if len(found) == total else f' (of {total} in all)'
    print(f'{name}: {found.count(False)} of {len(found)}{part} wrong versions noticed, after {time.monotonic() - begin:.0f} s', flush=True)


def record(path, found, total):
    "Put a chapter's score into the table; where not all were tried, of how many they are a part."
    head, line, rows = TABLE.read_text(encoding='utf-8').partition('| --- | ---: | ---: | --- |\n')
    rows = {row.split('|')[1].strip(): row for row in rows.splitlines()}
    part = '' if len(found) == total else f' (of {total} in all)'
    rows[path.stem] = f'| {path.stem} | {found.count(False)} of {len(found)}{part} | {found.count(False)/len(found):.1%} | {time.strftime("%Y-%m-%d")} |'
    TABLE.write_text(head + line + '\n'.join(rows[name] for name in sorted(rows)) + '\n', encoding='utf-8')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('notebooks', nargs='*', type=Path)
    parser.add_argument('--sample', type=int, help='only so many changes, in six chapters drawn by chance')
    parser.add_argument('--seed', default='', help='what the sample depends on: the name of a commit')
    parser.add_argument('--minutes', type=float, default=math.inf, help='begin no change after so many minutes')
    parser.add_argument('--workers', type=int, default=2, help='how many chapters at a time (default 2)')
    args = parser.parse_args()
    if missing := [str(p) for p in args.notebooks if not p.is_file()]: parser.error(f'no such notebook: {", ".join(missing)}')
    import matplotlib, torch
    import matplotlib.pyplot  # noqa: F401  loaded once, before the forks
    matplotlib.use('agg')
    torch.set_num_threads(1)
    os.environ['IN_TEST'] = '1'
    paths = [p.resolve() for p in args.notebooks] or sorted((ROOT/'nbs').glob('[0-9]*.ipynb'))
    os.chdir(ROOT/'nbs')
    begin, chance, known = time.monotonic(), random.Random(args.seed), results()
    end, mine = begin + 60*args.minutes, {p: some for p in paths if (some := list(wrong_versions(p)))}
    if args.sample:
        mine = {p: mine[p] for p in chance.sample(list(mine), min(6, len(mine)))}
        wrong = sum(mine.values(), [])
        wrong = chance.sample(wrong, min(args.sample, len(wrong)))
        mine = {p: some for p in mine if (some := [w for w in wrong if w[0] == p])}
    new = {p: [w for w in some if w[-1] not in known] for p, some in mine.items()}
    for _, _, label, _, key in sum(mine.values(), []):
        if known.get(key): print(f'  {label}', flush=True)              # found by an earlier run
    works = ((p, functools.partial(try_chapter, p, some, end)) for p, some in new.items() if some and time.monotonic() < end)
    found, broken = {}, set()
    for path, fine in itertools.chain(((p, True) for p, some in new.items() if not some), side_by_side(works, args.workers)):
        known = results()
        found[path] = [known[key] for *_, key in mine[path] if key in known]
        if not fine: broken.add(path)
        elif found[path] and not args.sample: report(path.name, found[path], len(mine[path]), begin)
        if fine and not args.sample and len(found[path]) >= min(20, len(mine[path])): record(path, found[path], len(mine[path]))
    if args.sample:
        found = {'sample': sum(found.values(), [])}
        report('the sample', found['sample'], len(wrong), begin)
    sys.exit(bool(broken or args.sample and not found['sample'] or any(some.count(False) < ENOUGH*len(some) for some in found.values())))


if __name__ == '__main__': main()
