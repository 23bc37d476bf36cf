"""Check what needs no notebook to run: notebooks are clean, the library is what they export, and imports only point backwards.

    python tools/check_tree.py [ROOT]

Works on a copy, so that the tree stays as it is, and needs no git.
"""
import ast, json, os, shutil, subprocess, sys, tempfile
from pathlib import Path

LIB, NBS = 'foundations', 'nbs'


def rebuild(root, scratch):
    "Clean the notebooks of a copy of `root` in `scratch`, drop the exported modules and export them anew."
    shutil.copytree(root/NBS, scratch/NBS, ignore=shutil.ignore_patterns('.ipynb_checkpoints'))
    shutil.copy(root/'settings.ini', scratch)
    (scratch/LIB).mkdir()
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get('PATH', '')])
    for command in ('nbdev_clean', 'nbdev_export'):
        done = subprocess.run([command], cwd=scratch, env={**os.environ, 'PATH': path}, text=True, capture_output=True)
        if done.returncode: sys.exit(f'{command} failed:\n{done.stdout}{done.stderr}')


def differences(root, scratch, folder, pattern, remarks):
    "Lines for the files of `folder` that are not byte for byte what the copy holds: `remarks` = (changed, extra, missing)."
    here, there = ({p.name: p.read_bytes() for p in (r/folder).glob(pattern)} for r in (root, scratch))
    for name in sorted(here.keys() | there.keys()):
        if name not in there: yield f'{folder}/{name}: {remarks[1]}'
        elif name not in here: yield f'{folder}/{name}: {remarks[2]}'
        elif here[name] != there[name]: yield f'{folder}/{name}: {remarks[0]}'


def exports(path):
    "The module that notebook `path` exports to, and the source of its exported cells."
    name, cells = None, []
    for cell in json.loads(path.read_text(encoding='utf-8'))['cells']:
        if cell['cell_type'] != 'code': continue
        directives = [line.strip().replace(' ', '') for line in cell['source'] if line.strip().startswith('#|')]
        for d in directives:
            if d.startswith('#|default_exp'): name = ''.join(cell['source']).split('default_exp')[1].split()[0]
        if any(d.startswith('#|export') for d in directives): cells.append(''.join(cell['source']))
    return name, '\n'.join(cells)


def library_imports(source):
    "The names of the library's modules that `source` imports, inside functions too."
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or '').startswith(f'{LIB}.'): yield node.module.split('.')[1]
        elif isinstance(node, ast.ImportFrom) and node.module == LIB: yield from (a.name for a in node.names)
        elif isinstance(node, ast.Import):
            yield from (a.name.split('.')[1] for a in node.names if a.name.startswith(f'{LIB}.'))


def defined(node):
    "The names that a statement defines: a function, a class, or constants."
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)): yield node.name
    for target in getattr(node, 'targets', [getattr(node, 'target', None)]):
        yield from (n.id for n in ast.walk(target) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)) if target else ()


def forward_imports(root):
    "Lines for exported cells that import what no earlier notebook exports, and for names exported twice."
    earlier, owner = set(), {}
    for path in sorted((root/NBS).glob('[0-9]*.ipynb')):
        module, source = exports(path)
        for name in sorted(set(library_imports(source)) - earlier):
            yield f'{NBS}/{path.name}: exports code that imports {LIB}.{name}, which no earlier notebook exports'
        for node in ast.parse(source).body:
            for name in defined(node):
                if name in owner: yield f'{NBS}/{path.name}: exports {name}, which {owner[name]} exports already'
                owner[name] = path.name
        if module: earlier.add(module)


def check(root):
    "All remarks on the tree at `root`, a line each."
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder).resolve()
        rebuild(root, scratch)
        yield from differences(root, scratch, NBS, '*.ipynb', ('not clean: run nbdev_clean', 'not clean', 'lost in cleaning'))
        yield from differences(root, scratch, LIB, '*.py', (
            'not what the notebooks export: change the notebook, then run nbdev_export',
            'no notebook exports this module: delete it', 'missing: run nbdev_export'))
    yield from forward_imports(root)


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
    remarks = list(check(root))
    for remark in remarks: print(f'  {remark}')
    print('tree: ' + (f'{len(remarks)} faults' if remarks else 'notebooks clean, exports in sync, imports only point to earlier chapters'))
    sys.exit(bool(remarks))


if __name__ == '__main__': main()
