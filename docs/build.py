"""Build the website into _site (or the folder named): straight from the notebooks with their stored outputs, without network."""
import re, shutil, sys, tempfile
from pathlib import Path
from sphinx.cmd.build import main as sphinx

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent


def module(path):
    "The library's module that the chapter exports to, or None."
    match = re.search(r'#\| default_exp (\w+)', path.read_text(encoding='utf-8'))
    return match and match[1]


def prepare(source):
    "Fill the folder `source` with what Sphinx reads: the notebooks, the home page with the README's map, and the library's page."
    chapters = sorted((ROOT/'nbs').glob('[0-9]*.ipynb'))
    for path in chapters: shutil.copy(path, source)
    shutil.copy(DOCS/'depth.png', source)
    readme = (ROOT/'README.md').read_text(encoding='utf-8')
    table = re.search(r'^\| chapter .*?(?=\n\n)', readme, re.M | re.S)[0].replace('](nbs/', '](')
    picture = re.search(r'<img src="docs/depth.png" width="(\d+)" alt="(.*?)">', readme)
    names = [f'{name} <{file}>' for name, file in re.findall(r'^\| \[(.+?)\]\((.+?)\.ipynb\)', table, re.M)]
    home = (DOCS/'index.md').read_text(encoding='utf-8').replace('{map}', table).replace('{names}', '\n'.join(names))
    (source/'index.md').write_text(home.replace('{picture}', f'![{picture[2]}](depth.png){{width={picture[1]}px}}'), encoding='utf-8')
    library = [f'## foundations.{name}\n\n```{{eval-rst}}\n.. automodule:: foundations.{name}\n   :members:\n```\n' for name in map(module, chapters) if name]
    (source/'library.md').write_text('\n'.join(['# The library\n\nEvery name, in the order of the chapters that build it.\n', *library]), encoding='utf-8')


def main():
    out = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT/'_site').resolve()
    shutil.rmtree(out, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder))
        failed = sphinx(['-q', '-W', '--keep-going', '-b', 'html', '-c', str(DOCS), '-d', f'{folder}/.doctrees', folder, str(out)])
    for path in (out/'_static'/'mathjax').glob('*'):             # what pages with TeX and without menus ask for stays
        if path.name not in ('tex-chtml.js', 'output'): shutil.rmtree(path) if path.is_dir() else path.unlink()
    if not failed: print(f'site: {out}/index.html')
    sys.exit(failed)


if __name__ == '__main__': main()
