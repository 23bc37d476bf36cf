"""Does a chapter notice when its own code is wrong? Change one operator, comparison, number or transpose of its exported code at a time and run it.

    python tools/mutate.py nbs/07_backward.ipynb [...]     prints the changes that no cell notices; exits 1 if there are any

A change that alters nothing anyone could see stands in equivalents.txt beside this file: the line that is printed for it, and the reason.
"""
import ast, copy, json, os, re, signal, sys, time
from pathlib import Path

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


def survives(cells, timeout):
    "Run `cells` in a child process; True if every one passes."
    pid = os.fork()
    if pid: return os.waitpid(pid, 0)[1] == 0
    try:
        signal.alarm(timeout)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1); os.dup2(null, 2)
        from IPython.core.interactiveshell import InteractiveShell
        shell = InteractiveShell.instance()
        os._exit(0 if all(shell.run_cell(c).success for c in cells) else 1)
    except BaseException: os._exit(1)


def code_cells(path):
    "The notebook's code cells that tests run, and which of them are exported."
    cells = [''.join(c['source']) for c in json.loads(path.read_text(encoding='utf-8'))['cells'] if c['cell_type'] == 'code']
    cells = [c for c in cells if not re.search(r'^\s*#\s*\|\s*eval:\s*false', c, re.M)]
    return cells, [bool(re.search(r'^\s*#\s*\|\s*exports?\b', c, re.M)) for c in cells]


def equivalents():
    "The changes that alter nothing, as they are printed."
    path = Path(__file__).with_name('equivalents.txt')
    return {line.rpartition('  # ')[0].strip() for line in path.read_text(encoding='utf-8').splitlines()}


def survivors(path, timeout):
    "Mutants of the notebook's exported code that its own cells do not notice, and the number tried."
    (cells, exported), known = code_cells(path), equivalents()
    found, tried = [], 0
    for i, cell in enumerate(cells):
        if not exported[i]: continue
        for line, what, source in mutants(cell):
            label = f'{path.name}: {what}    in: {cell.splitlines()[line - 1].strip()}'
            if label in known: continue
            tried += 1
            if survives(cells[:i] + [source] + cells[i + 1:], timeout): found.append(label)
    return found, tried


def main():
    import matplotlib, torch
    import matplotlib.pyplot  # noqa: F401  loaded once, before the forks
    matplotlib.use('agg')
    torch.set_num_threads(1)
    os.environ['IN_TEST'] = '1'
    paths = [Path(p).resolve() for p in sys.argv[1:]]
    os.chdir(Path(__file__).resolve().parent.parent/'nbs')
    bad = 0
    for path in paths:
        if not survives(code_cells(path)[0], 300): sys.exit(f'{path.name} fails as it is')
        start = time.perf_counter()
        found, tried = survivors(path, 120)
        bad += len(found)
        for line in found: print(' ', line)
        print(f'{path.name}: {tried - len(found)} of {tried} wrong versions noticed, in {time.perf_counter() - start:.0f} s', flush=True)
    sys.exit(bool(bad))


if __name__ == '__main__': main()
