"""Reads a notebook of the course for MyST-NB: nbdev's directives become what they mean on a page, and their lines disappear."""
import re
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


def read(text):
    "The notebook in `text`, ready for MyST-NB. An exported cell is tagged with the module it goes to."
    nb = nbformat.reads(text, as_version=4)
    module = None
    for cell in nb.cells:
        if cell.cell_type != 'code': continue
        found, cell.source = directives(cell.source)
        module = found.get('default_exp', module)
        cell.metadata['tags'] = tags(found, module)
        if 'fig-alt' in found: cell.metadata['mystnb'] = {'image': {'alt': found['fig-alt'].strip('"\'')}}
        for out in cell.get('outputs', []):
            if out.get('name') == 'stdout': out['text'] = out['text'].rstrip('\n')
    nb.cells = [c for c in nb.cells if c.cell_type != 'code' or c.source or c.outputs]
    return nb
