"""Reads a notebook of the course for MyST-NB: nbdev's directives become what they mean on a page, and their lines disappear."""
import ast, re
import nbformat

DIRECTIVE = re.compile(r'^\s*#\s*\|\s*(.*?)\s*$')
TAGS = {'hide': 'remove-cell', 'default_exp': 'remove-cell', 'hide_input': 'remove-input', 'hide_output': 'remove-output'}


def directives(source):
    "The directives of a cell as {name: argument}, and its source without their lines."
    found, rest = {}, []
    for line in source.split('\n'):
        match = DIRECTIVE.match(line)
        if match:
            name, _, argument = match[1].replace(':', ' ', 1).partition(' ')
            found[name] = argument.strip()
        else: rest.append(line)
    return found, '\n'.join(rest).strip('\n')


def tags(found, module):
    "MyST-NB's tags for a cell with the directives `found`."
    result = [TAGS[name] for name in found if name in TAGS]
    if found.get('code-fold') == 'true': result.append('hide-input')
    if 'export' in found or 'exports' in found: result += ['export', f'export-{module}']
    return result


def anchors(cell):
    "A cell with an anchor for each name that the exported `cell` defines: the library's page points to it."
    body = ast.parse(cell.source).body
    names = [n.name for n in body if isinstance(n, (ast.FunctionDef, ast.ClassDef))] + [n.targets[0].id for n in body if isinstance(n, ast.Assign)]
    names = [name for name in names if not name.startswith('_')]
    return [nbformat.v4.new_markdown_cell('\n'.join(f'<a id="def-{name}"></a>' for name in names))] if names else []


def how_to_run(meta):
    "A cell that says how to run the chapter, below its first cell; docs/build.py notes the file's name and time in `meta`."
    if 'file' not in meta: return []
    time = f', about {meta["seconds"]} seconds' if meta.get('seconds') else ''
    return [nbformat.v4.new_markdown_cell(f'{{.run-it}}\nTo run it: `make lab`, then `nbs/{meta["file"]}`{time}.')]


def read(text):
    "The notebook in `text`, ready for MyST-NB. An exported cell is tagged with the module it goes to."
    nb = nbformat.reads(text, as_version=4)
    module, cells = None, []
    for cell in nb.cells:
        if cell.cell_type == 'code':
            found, cell.source = directives(cell.source)
            module = found.get('default_exp', module)
            cell.metadata['tags'] = tags(found, module)
            if 'fig-alt' in found: cell.metadata['mystnb'] = {'image': {'alt': found['fig-alt'].strip('"\'')}}
            for out in cell.get('outputs', []):
                if out.get('name') == 'stdout': out['text'] = out['text'].rstrip('\n')
            if 'export' in cell.metadata['tags']: cells += anchors(cell)
            if not cell.source and not cell.outputs: continue
        cells.append(cell)
    nb.cells = cells[:1] + how_to_run(nb.metadata.get('course', {})) + cells[1:]
    return nb
