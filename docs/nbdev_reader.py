"""Reads a notebook of the course for MyST-NB: nbdev's directives become what they mean on a page, and their lines disappear."""
import re
import nbformat

TAGS = {'hide': 'remove-cell', 'default_exp': 'remove-cell', 'hide_input': 'remove-input', 'hide_output': 'remove-output', 'export': 'export'}
JUDGES = 'These exercises judge your answers in JupyterLab: `make lab` opens your own copy of this chapter.'


def directives(source):
    "The directives of a cell as {name: argument}, and its source without their lines; a line that begins `#|   ` goes on with the one above."
    found, rest, last = {}, [], None
    for line in source.split('\n'):
        if (match := re.match(r'#\|   +(.*\S)', line)) and last: found[last] += ' ' + match[1]
        elif match := re.match(r'\s*#\s*\|\s*([\w-]+):?\s*(.*?)\s*$', line): found[last := match[1]] = match[2]
        else: rest.append(line)
    return found, '\n'.join(rest).strip('\n')


def read(text):
    "The notebook in `text`, ready for MyST-NB. What JupyterLab shows collapsed is folded on the page, too."
    nb = nbformat.reads(text, as_version=4)
    cells = []
    for cell in nb.cells:
        if cell.cell_type == 'code':
            found, cell.source = directives(cell.source)
            cell.metadata['tags'] = [TAGS[name] for name in found if name in TAGS]
            if cell.metadata.get('jupyter', {}).get('source_hidden') and 'hide' not in found: cell.metadata['tags'].append('hide-input')
            if 'fig-alt' in found: cell.metadata['mystnb'] = {'image': {'alt': found['fig-alt'].strip('"\'')}}
            for out in cell.get('outputs', []):
                if out.get('name') == 'stdout': out['text'] = out['text'].rstrip('\n')
            if not cell.source and not cell.outputs: continue
        elif cell.source.startswith('## Your turn'): cell.source = cell.source.replace('\n', f'\n\n```{{note}}\n{JUDGES}\n```\n', 1) if '\n' in cell.source else f'{cell.source}\n\n```{{note}}\n{JUDGES}\n```'
        cells.append(cell)
    nb.cells = cells
    return nb
