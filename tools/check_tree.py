"""Check what needs no notebook to run: notebooks are clean, the library is what they export, and imports point backwards.

    python tools/check_tree.py [ROOT]

Runs nbdev_clean and nbdev_export in place and names what they changed; it is mended then, and a second run passes.
"""
import ast, json, re, subprocess, sys
from pathlib import Path

LIB = 'foundations'


def exports(path):
    "The module that notebook `path` exports to, and the source of its exported cells."
    code = [''.join(c['source']) for c in json.loads(path.read_text(encoding='utf-8'))['cells'] if c['cell_type'] == 'code']
    name = re.search(r'#\|\s*default_exp\s+(\w+)', '\n'.join(code))
    return name and name[1], '\n'.join(c for c in code if re.match(r'\s*#\s*\|\s*export', c))


def library_imports(source):
    "The names of the library's modules that `source` imports, inside functions too."
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module == LIB: yield from (a.name for a in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or '').startswith(f'{LIB}.'): yield node.module.split('.')[1]
        elif isinstance(node, ast.Import): yield from (a.name.split('.')[1] for a in node.names if a.name.startswith(f'{LIB}.'))


def forward_imports(root):
    "Lines for exported cells that import what no earlier notebook exports, names exported twice, and modules of no notebook."
    earlier, owner = {'all'}, {}
    for path in sorted((root/'nbs').glob('[0-9]*.ipynb')):
        module, source = exports(path)
        for name in sorted(set(library_imports(source)) - earlier):
            yield f'nbs/{path.name}: exports code that imports {LIB}.{name}, which no earlier notebook exports'
        for node in ast.parse(source).body:
            patched = [d for d in getattr(node, 'decorator_list', []) if ast.unparse(d).startswith('patch')]
            name = getattr(node, 'name', None) or ast.unparse(node.targets[0]) if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Assign)) else None
            if not name or patched or name.startswith('_'): continue
            if name in owner: yield f'nbs/{path.name}: exports {name}, which {owner[name]} exports already'
            owner[name] = path.name
        earlier.add(module)
    for path in sorted((root/LIB).glob('[a-z]*.py')):
        if path.stem not in earlier: yield f'{LIB}/{path.name}: no notebook exports this module: delete it'


def changed(root):
    "Lines for files that nbdev_clean or nbdev_export change."
    for command, pattern in (('nbdev_clean', 'nbs/*.ipynb'), ('nbdev_export', f'{LIB}/*.py')):
        before = {path: path.read_bytes() for path in root.glob(pattern)}
        done = subprocess.run([Path(sys.executable).with_name(command)], cwd=root, text=True, capture_output=True)
        if done.returncode: yield f'{command} failed:\n{done.stdout}{done.stderr}'
        for path in sorted(root.glob(pattern)):
            if path.read_bytes() != before.get(path): yield f'{path.relative_to(root)}: {command} had to change it; it is mended now'


def check(root): return [*changed(root), *forward_imports(root)]


def main():
    remarks = check(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve())
    for remark in remarks: print(f'  {remark}')
    n = len(remarks)
    print('tree: ' + (f'{n} fault' + 's'*(n > 1) if n else 'notebooks clean, library in sync, imports point to earlier chapters'))
    sys.exit(bool(remarks))


if __name__ == '__main__': main()
