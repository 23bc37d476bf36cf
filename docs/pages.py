"""The pages and pictures of the website that are made from the notebooks and the library: map, library, answers, home."""
import ast, json, math, re
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


def readme():
    "The README's text: the figure, the chapters' short names and their questions are written there once, for the website too."
    return (ROOT/'README.md').read_text(encoding='utf-8')


def chapters():
    "{a chapter's file name: (number and short name, question)}, from the README's map."
    return {file: (name, question) for name, file, question in re.findall(r'^\| \[(.+?)\]\(nbs/(.+?)\) \| (.+?) \|', readme(), re.M)}


def figure():
    "The README's picture as Markdown, at the width and with the description it has there."
    width, alt = re.search(r'<img src="docs/depth.png" width="(\d+)" alt="(.*?)">', readme()).groups()
    return f'![{alt}](_static/depth.png){{width={width}px}}'


def module(path):
    "The library's module that the chapter exports to, or None."
    for source in cells(path, 'code'):
        if match := re.search(r'#\|\s*default_exp\s+(\w+)', source): return match[1]


def tree(name):
    "The syntax tree of module `name`, and its lines."
    source = (ROOT/LIB/f'{name}.py').read_text(encoding='utf-8')
    return ast.parse(source), source.split('\n')


def defined(body):
    "The functions and classes of `body` that others may use."
    return [node for node in body if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith('_')]


def plain(text):
    "`text` for Markdown, with no sign taken for markup but the backticks."
    return '`'.join(part if i % 2 else re.sub(r'([*_<$\[\\])', r'\\\1', part) for i, part in enumerate((text or '').split('`')))


def header(node, lines):
    "A function's parameters as they are written, with the comment beside each: `(x, y)`."
    first = node.body[0]
    end = first.lineno - 1 if first.lineno > node.lineno else node.lineno
    text = '\n'.join(lines[node.lineno - 1:end])
    return re.sub(r'\bself(, )?', '', text[text.index('('):text.rindex('):') + 1], count=1)


def lineage(node, classes):
    "The class `node`, and its base, and so on up to the first that others may use, as far as the same module defines them."
    yield node
    for base in node.bases:
        parent = classes.get(getattr(base, 'id', None))
        if parent: yield from lineage(parent, classes) if parent.name.startswith('_') else [parent]


def class_entry(node, classes, lines):
    "How to make one, what it is, and its methods that say something for themselves."
    line = list(lineage(node, classes))
    own = [c for c in line if c is node or c.name.startswith('_')]
    init = next((f for c in line for f in c.body if getattr(f, 'name', '') == '__init__'), None)
    fields = [f'{f.target.id}: {f.annotation.id}' for f in node.body if isinstance(f, ast.AnnAssign)]
    base = line[-1].name if line[-1] not in own else ', '.join(b.id for b in own[-1].bases)
    methods = {f.name: f for c in reversed(own) for f in defined(c.body) if ast.get_docstring(f)}
    about = (f'A `{base}`. ' if base else '') + plain(ast.get_docstring(node))
    items = [f'- `{f.name}{header(f, lines)}`: {plain(ast.get_docstring(f))}' for f in methods.values()]
    return f'class {node.name}' + (header(init, lines) if init else f'({", ".join(fields)})'), '\n'.join([about, '', *items])


def public(name):
    "What module `name` offers, everything in its `__all__`: (name, signature, description)."
    module_tree, lines = tree(name)
    body, classes = module_tree.body, {node.name: node for node in module_tree.body if isinstance(node, ast.ClassDef)}
    for node in body:
        if isinstance(node, ast.Assign) and not node.targets[0].id.startswith('_'): yield node.targets[0].id, ast.unparse(node), ''
        if node not in defined(body): continue
        if isinstance(node, ast.ClassDef): yield node.name, *class_entry(node, classes, lines)
        else: yield node.name, node.name + header(node, lines), plain(ast.get_docstring(node))


def imports(name):
    "The library's modules that module `name` imports."
    return sorted({n.module.split('.')[-1] for n in ast.walk(tree(name)[0]) if isinstance(n, ast.ImportFrom) and (n.level == 1 or (n.module or '').startswith(f'{LIB}.'))})


def module_css():
    "A quiet mark on each exported cell: the module it goes to. On the map a chapter lights up what it imports and what imports it."
    names = [m for m in map(module, notebooks()) if m]
    return '\n'.join(f'.tag_export-{m} .cell_input::after {{ content: "{LIB}.{m}"; }}\n'
                     f'.course-map:has(.row-{m}:is(:hover, :focus)) .arcs :is(.from-{m}, .to-{m}) {{ stroke: #D55E00; stroke-width: 2.2; stroke-opacity: 1; }}' for m in names) + '\n'


def library_page():
    "Every exported name, its signature, docstring and source chapter."
    out = ['# The library', '', f'Every name that `{LIB}` exports, in the order of the chapters that build it. Signatures and descriptions are read from the code; '
           'each name leads to the cell that defines it.', '']
    for path in notebooks():
        name = module(path)
        if not name: continue
        chapter = chapters()[path.name][0]
        out += [f'## {LIB}.{name}', '', f'{title(path)[1]} Built in [{chapter}]({path.name}).', '']
        for fn, signature, text in public(name):
            about, _, methods = text.partition('\n')
            out += [f'### {fn}', '', '```python', signature, '```', '', f'{about} <a class="defined" href="{path.stem}.html#def-{fn}">see {chapter}</a>', methods, '']
    return '\n'.join(out)


VERDICTS = {'Right': '\u2713', 'Half right': '\u00bd', 'Wrong': '\u2717', 'Open question': '?'}
CLAIM = re.compile(rf'<a id="claim-(\d+)"></a>\s*(.*?)\*\*({"|".join(VERDICTS)})\b(.*?)(?:\n\s*\n|\Z)', re.S)


LEADS_OVER = re.compile('Let us|Take|Chain|Here|Is that')   # how a sentence begins that only introduces the next cell


def reason(text, room=190):
    "What follows a verdict, in whole sentences of about `room` characters at most. Left out: what only leads over to the next cell."
    text = re.sub(r'^, answered (?:here|below)', '', text.replace('**', '', 1)).rstrip().replace('\n', ' ')
    first, *rest = re.split(r'(?<=[.?!])\s+(?=[A-Z*`$\[])|(?<=:)\s+(?=Here )', text)
    rest = [s for s in rest if '?' not in s and s[-1] in '.:' and not LEADS_OVER.match(s)]
    out = first
    for s in [s for s in rest if s[-1] == '.'] or rest[:1] * (len(first) < 3):
        if len(out) + len(s) > room: break
        out += ' ' + s
    return out.rstrip(':.') + '.'


def answers():
    "(number, chapter file, statement, verdict, what is true) of each claim of the note, from the cells with the anchors claim-N."
    for path in notebooks():
        for source in cells(path, 'markdown'):
            for number, said, verdict, rest in CLAIM.findall(source):
                if '<a id=' not in said: yield int(number), path, said.strip().replace('\n', ' '), verdict, reason(rest)


def places(number):
    "The files of the chapters that deal with claim `number`, with or without a verdict of their own."
    return [path for path in notebooks() if any(f'<a id="claim-{number}"></a>' in source for source in cells(path, 'markdown'))]


def answers_page():
    "The claims of the note: what it says, what is true, and the cell that shows it. A claim that two chapters take up has one row."
    rows = {}
    for number, path, said, verdict, why in answers(): rows.setdefault(number, (said, verdict, why))
    count = {v: sum(row[1] == v for row in rows.values()) for v in VERDICTS}
    out = ['# Errata and answers', '', f'The course grew from one learner\'s note. Each of its {len(rows)} statements and questions has met an experiment: '
           f'{count["Right"]} are right, {count["Half right"]} half right, {count["Wrong"]} wrong, and {count["Open question"]} questions it left open are answered. '
           'A link leads to the cell that proves it.', '', '{.answers}', '| | the note | the answer | proof |', '|---|---|---|---|']
    for number, (said, verdict, why) in sorted(rows.items()):
        badge = f'<strong class="verdict {verdict.split()[0].lower()}">{VERDICTS[verdict]} {verdict}</strong>'
        proof = '<br>'.join(f'<a href="{path.stem}.html#claim-{number}">{chapters()[path.name][0]}</a>' for path in places(number))
        said = re.sub(r'^The note says: (\*?[a-z][a-z0-9])', lambda m: m[1].upper() if m[1][0] != '*' else '*' + m[1][1:].capitalize(), said)
        out.append(f'| {number} | {said.replace("|", chr(92) + "|")} | {badge}{why.replace("|", chr(92) + "|")} | {proof} |')
    return '\n'.join(out) + '\n'


def wrapped(names, width=40):
    "Names joined by commas, in lines of at most `width` characters."
    lines = ['']
    for i, name in enumerate(names):
        piece = name + (', ' if i < len(names) - 1 else '')
        if len(lines[-1]) + len(piece) > width + 2: lines.append('')
        lines[-1] += piece
    return [line.rstrip() for line in lines]


def arc(name, other, y0, y1):
    "An arc on the left from module `name`, which imports, at `y0` up to the imported one, `other`, at `y1`."
    reach = 14 + 62 * min(1, (y0 - y1)/520)**.7
    return f'<path class="from-{name} to-{other}" d="M 88 {y0} C {88 - reach*1.3:.1f} {y0}, {88 - reach*1.3:.1f} {y1}, 88 {y1}"/>'


def map_row(path, name, y, lines):
    "A chapter on the map: a dot, its short name, and what it exports."
    text = ''.join(f'<tspan class="exports" x="104" dy="16">{line}</tspan>' for line in lines)
    return (f'<a class="row-{name}" href="{path.stem}.html"><circle cx="92" cy="{y - 4}" r="4"/><text x="104" y="{y}">'
            f'<tspan class="name">{chapters()[path.name][0]}</tspan>{text}</text></a>')


def map_svg():
    "The chapters from top to bottom, what each exports, and an arc for each import, read from the library's code."
    y, rows, place, arcs = 22, [], {}, []
    for path in notebooks():
        name = module(path)
        lines = wrapped([fn for fn, _, _ in public(name)], 33) if name else ['measures; exports nothing']
        rows.append(map_row(path, name, y, lines))
        if name:
            place[name] = y - 4
            arcs += [arc(name, m, y - 4, place[m]) for m in imports(name) if m in place]
        y += 30 + 16*len(lines)
    return (f'<svg class="course-map" viewBox="0 0 344 {y - 14}" role="group" aria-label="The chapters, what each exports to the library, '
            f'and which earlier module each imports"><g class="arcs">{"".join(arcs)}</g>{"".join(rows)}</svg>')


def runtimes():
    "Seconds each chapter took when its outputs were stored, rounded up; {} before the first time."
    path = ROOT/'docs'/'runtimes.json'
    return json.loads(path.read_text()) if path.exists() else {}


def contents():
    "The side bar's two lists of pages."
    chapter = [f'{chapters()[p.name][0]} <{p.stem}>' for p in notebooks()]
    return ['```{toctree}', ':hidden:', ':caption: Chapters', '', *chapter, '```', '', '```{toctree}', ':hidden:', ':caption: Reference', '', 'library', 'answers', '```', '']


def took(seconds):
    "A time to run in words; nothing before it was measured."
    return f'{seconds} s' if seconds else ''


def chapter_table():
    "Each chapter's question and how long it runs."
    seconds = runtimes()
    rows = [(path, *chapters()[path.name]) for path in notebooks()]
    return ['{.chapters}', '| chapter | the question it answers | runs in |', '|---|---|---|'] + [
        f'| [{name}]({path.name}) | {question} | {took(seconds.get(path.stem))} |' for path, name, question in rows]


def home_page():
    "The promise, the depth figure, the chapters, the map, the two commands."
    minutes = math.ceil(sum(runtimes().values())/60)
    return '\n'.join(['# Deep learning from the foundations', '', '{.lead}',
        'Rebuild a neural network from nothing but tensors, until you train 10,000 layers with gradients you derived by hand. '
        'Every number on these pages was computed by a cell that you can see and run, and a check fails if it stops being true.', '',
        figure(), '', 'Nothing differs between these three networks but the size of their random weights. By chapter 04 you know why.', '',
        '[Begin with chapter 00](00_foundations.ipynb){.begin}', '', *contents(), '## The chapters', '',
        f'To read all {len(notebooks())}, take a few evenings; to run them all, a laptop\'s processor takes about {minutes} minutes.', '', *chapter_table(), '',
        '## The map', '', 'What each chapter adds to the library, and what it builds on: an arc leads from a module up to each one that it imports.', '', map_svg(), '',
        '## Two commands', '', 'To run, change and break everything, get the repository. You need Python 3.10 to 3.13 and make. '
        'Each command sets up what it needs, once. This one opens the notebooks in JupyterLab:', '', '```text', 'make lab', '```', '',
        'And this one checks every notebook and every claim:', '', '```text', 'make test', '```', ''])
