"""The pages and pictures of the website that are made from the notebooks and the library: map, library, answers, home."""
import ast, json, re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIB = 'foundations'


def notebooks():
    "The chapters' files, in order."
    return sorted((ROOT/'nbs').glob('[0-9]*.ipynb'))


def cells(path, kind):
    "The sources of the cells of type `kind` in the notebook at `path`."
    return [''.join(c['source']) for c in json.loads(path.read_text(encoding='utf-8'))['cells'] if c['cell_type'] == kind]


def title(path):
    "The chapter's title and its line of purpose."
    first = cells(path, 'markdown')[0]
    return re.search(r'^# (.*)$', first, re.M)[1], re.search(r'^> (.*)$', first, re.M)[1]


def module(path):
    "The library's module that the chapter exports to, or None."
    for source in cells(path, 'code'):
        if match := re.search(r'#\|\s*default_exp\s+(\w+)', source): return match[1]


def public(name):
    "The definitions of module `name` that others may import: (name, header with docstring stripped, docstring)."
    source = (ROOT/LIB/f'{name}.py').read_text(encoding='utf-8')
    lines = source.split('\n')
    for node in ast.parse(source).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith('_'):
            first = node.body[0]
            start = first.lineno - 1 if first.lineno > node.lineno else node.lineno
            yield node.name, '\n'.join(lines[node.lineno - 1:start]).rstrip(), ast.get_docstring(node) or ''


def imports(name):
    "The library's modules that module `name` imports."
    tree = ast.parse((ROOT/LIB/f'{name}.py').read_text(encoding='utf-8'))
    return sorted({n.module.split('.')[-1] for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and (n.level == 1 or (n.module or '').startswith(f'{LIB}.'))})


def module_css():
    "A quiet mark on each exported cell: the module it goes to."
    return '\n'.join(f'.tag_export-{m} .cell_input::after {{ content: "{LIB}.{m}"; }}' for m in filter(None, map(module, notebooks()))) + '\n'


def library_page():
    "Every exported name, its signature, docstring and source chapter."
    out = ['# The library', '', 'Every name that `foundations` exports, in the order of the chapters that build it. The signatures and descriptions are read from the code.', '']
    for path in notebooks():
        name = module(path)
        if not name: continue
        out += [f'## {LIB}.{name}', '', f'{title(path)[1]} Built in [{title(path)[0]}]({path.name}).', '']
        for fn, header, doc in public(name):
            out += [f'### {fn}', '', '```python', header, '```', '', doc, '']
    return '\n'.join(out)


def answers():
    "(number, chapter file, statement, verdict) of each claim of the note, from the cells with the anchors claim-N."
    for path in notebooks():
        for source in cells(path, 'markdown'):
            for number in re.findall(r'<a id="claim-(\d+)"></a>', source):
                text = re.sub(r'<a id="[^"]*"></a>', '', source)
                verdict = re.search(r'\*\*((?:Right|Half right|Wrong|Open question|Unclear)[^*]*)\*\*', text)
                if not verdict: continue
                said = re.sub(r'^#+ .*$', '', text[:verdict.start()], flags=re.M).strip().replace('\n', ' ')
                yield int(number), path, said, verdict[1].rstrip('.:, ')


def answers_page():
    "The claims of the note: what it says, what is true, and the cell that shows it."
    out = ['# Errata and answers', '', 'The course grew from one learner\'s note. Each of its statements and open questions, the verdict, and the cell that proves it.', '',
           '| the note | verdict | proof |', '|---|---|---|']
    for number, path, said, verdict in sorted(answers()):
        out.append(f'| {said.replace("|", chr(92) + "|")} | {verdict} | <a href="{path.stem}.html#claim-{number}">{title(path)[0].split(":")[0]}, claim {number}</a> |')
    return '\n'.join(out) + '\n'


def wrapped(names, width=40):
    "Names joined by commas, in lines of at most `width` characters."
    lines = ['']
    for i, name in enumerate(names):
        piece = name + (', ' if i < len(names) - 1 else '')
        if len(lines[-1]) + len(piece) > width + 2: lines.append('')
        lines[-1] += piece
    return [line.rstrip() for line in lines]


def arc(y0, y1):
    "An arc on the left from the importing row at `y0` up to the imported one at `y1`."
    reach = 14 + 62 * min(1, (y0 - y1)/520)**.7
    return f'<path d="M 88 {y0} C {88 - reach*1.3:.1f} {y0}, {88 - reach*1.3:.1f} {y1}, 88 {y1}"/>'


def map_svg():
    "The chapters from top to bottom, what each exports, and an arc for each import, read from the library's code."
    y, rows, place, arcs = 22, [], {}, []
    for path in notebooks():
        name = module(path)
        lines = wrapped([fn for fn, _, _ in public(name)]) if name else ['measures; exports nothing']
        rows.append(f'<a href="{path.stem}.html"><circle cx="94" cy="{y - 4}" r="4"/><text x="106" y="{y}"><tspan class="name">{path.stem[:2]} {path.stem[3:]}</tspan>'
                    + ''.join(f'<tspan class="exports" x="106" dy="16">{line}</tspan>' for line in lines) + '</text></a>')
        if name:
            place[name] = y - 4
            arcs += [arc(y - 4, place[m]) for m in imports(name) if m in place]
        y += 30 + 16*len(lines)
    return (f'<svg class="course-map" viewBox="0 0 390 {y - 14}" role="group" aria-label="The chapters, what each exports to the library, '
            f'and which earlier module each imports"><g class="arcs">{"".join(arcs)}</g>{"".join(rows)}</svg>')


def runtimes():
    "Seconds each chapter took when its outputs were stored, rounded up; {} before the first time."
    path = ROOT/'docs'/'runtimes.json'
    return json.loads(path.read_text()) if path.exists() else {}


def home_page():
    "The promise, the depth figure, the map, the chapters, the two commands."
    seconds = runtimes()
    out = ['# Deep learning from the foundations', '', '{.lead}',
           'Rebuild a neural network from nothing but tensors, until you train 10,000 layers with gradients you derived by hand. '
           'Every number on these pages was computed by the cell above it, and a check fails if it stops being true.', '',
           '![The size of a signal through 100 layers for three sizes of random weights: one overflows, one dies, one survives](_static/depth.png)', '',
           'Nothing differs between these three networks but the size of their random weights. [Begin here](00_foundations.ipynb).', '', '## The chapters', '']
    out += ['```{toctree}', ':hidden:', ':caption: Chapters', ''] + [f'{p.stem[:2]} {title(p)[0].split(":")[0]} <{p.stem}>' for p in notebooks()] + ['```', '',
            '```{toctree}', ':hidden:', ':caption: Reference', '', 'library', 'answers', '```', '']
    out += ['| | question | runs in |', '|---|---|---|']
    for path in notebooks():
        head, purpose = title(path)
        name, _, question = head.partition(': ')
        took = f'{seconds[path.stem]} s' if path.stem in seconds else ''
        out.append(f'| {path.stem[:2]} | [{name}]({path.name}): {question or purpose} | {took} |')
    out += ['', '## The map', '', 'What each chapter adds to the library, and what it builds on: an arc leads from a module up to each one that it imports.', '', map_svg(), '',
            '## Two commands', '', 'To run, change and break everything, clone the repository. You need Python 3.10 to 3.13 and make.', '',
            '```sh', 'make lab      # set up (once), then open the notebooks in JupyterLab', 'make test     # set up (once), then check everything', '```', '']
    return '\n'.join(out)
