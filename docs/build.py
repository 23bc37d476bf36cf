"""Build the website into _site (or the folder named): straight from the notebooks with their stored outputs, without network."""
import json, re, shutil, sys, tempfile
from pathlib import Path

from sphinx.cmd.build import main as sphinx

sys.path.insert(0, str(Path(__file__).resolve().parent))
import pages

DOCS = Path(__file__).resolve().parent


def copy_notebook(path, source):
    "Copy a notebook into the folder `source`, with its file's name and time to run in its metadata."
    nb = json.loads(path.read_text(encoding='utf-8'))
    nb['metadata']['course'] = {'file': path.name, 'seconds': pages.runtimes().get(path.stem)}
    (source/path.name).write_text(json.dumps(nb), encoding='utf-8')


def prepare(source):
    "Fill the folder `source` with what Sphinx reads: the notebooks, the pages made from them, and the static files."
    for path in pages.notebooks(): copy_notebook(path, source)
    for name in ('library', 'answers'): (source/f'{name}.md').write_text(getattr(pages, f'{name}_page')(), encoding='utf-8')
    (source/'index.md').write_text(pages.home_page(), encoding='utf-8')
    shutil.copytree(DOCS/'_static', source/'_static')
    shutil.copy(DOCS/'depth.png', source/'_static')
    (source/'_static'/'modules.css').write_text(pages.module_css(), encoding='utf-8')


def glue(text):
    "A page's `text` in which no line can begin with the sign that follows a formula."
    return re.sub(r'(<span class="math notranslate nohighlight">[^<]*</span>)([,.;:?!)]+)', r'<span class="glued">\1\2</span>', text)


def arrows(text):
    "A page's `text` with arrows that cannot break in two at the end of a line; code keeps its own."
    parts = re.split(r'(<pre.*?</pre>|<code.*?</code>)', text, flags=re.S)
    return ''.join(part if i % 2 else part.replace(' -&gt; ', ' \u2192 ') for i, part in enumerate(parts))


def prune(out):
    "Drop what no page asks for: source maps, MathJax's other inputs and outputs, Sphinx's copies."
    mathjax = out/'_static'/'mathjax'
    keep = [mathjax/'tex-chtml.js', mathjax/'output'/'chtml'/'fonts']
    for path in sorted(out.rglob('*'), reverse=True):
        if path.is_dir(): continue
        other = path.is_relative_to(mathjax) and not any(path.is_relative_to(k) for k in keep)
        if other or path.suffix == '.map': path.unlink()
    for folder in sorted((p for p in out.rglob('*') if p.is_dir()), reverse=True):
        if not any(folder.iterdir()): folder.rmdir()
    shutil.rmtree(out/'_sources', ignore_errors=True)
    # the icons' script is larger than all else on the home page together; course.css draws the few icons in use from the theme's font
    (out/'_static'/'scripts'/'fontawesome.js').unlink()
    for page in out.glob('*.html'):
        text = re.sub(r'\s*<(script|link)[^>]*fontawesome\.js[^>]*>(</script>)?', '', page.read_text(encoding='utf-8'))
        page.write_text(arrows(glue(text)), encoding='utf-8')


def main():
    out = Path(sys.argv[1] if len(sys.argv) > 1 else DOCS.parent/'_site').resolve()
    if out.exists(): shutil.rmtree(out)
    with tempfile.TemporaryDirectory() as folder:
        source, html = Path(folder).resolve()/'source', Path(folder).resolve()/'build'/'html'
        source.mkdir()
        prepare(source)
        failed = sphinx(['-q', '-W', '--keep-going', '-b', 'html', '-c', str(DOCS), '-D', f'html_static_path={source}/_static',
                         '-d', f'{folder}/doctrees', str(source), str(html)])
        if not failed:
            prune(html)
            shutil.move(html, out)
            print(f'site: {out}/index.html')
    sys.exit(failed)


if __name__ == '__main__': main()
