"""Sphinx's settings for the website; build.py puts the notebooks and index.md beside each other."""
import re, sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
sys.path[:0] = [str(DOCS), str(DOCS.parent)]   # nbdev_reader, and the library

project = 'Deep learning from the foundations'
author = 'the foundations authors'
copyright = f'2026, {author}'
extensions = ['myst_nb', 'sphinx.ext.autodoc', 'sphinx_copybutton', 'sphinx-mathjax-offline']

nb_execution_mode = 'off'
nb_custom_formats = {'.ipynb': ['nbdev_reader.read', {}]}
nb_mime_priority_overrides = [('html', 'application/vnd.jupyter.widget-view+json', None)]
myst_enable_extensions = ['dollarmath', 'amsmath', 'attrs_block', 'attrs_inline']
myst_heading_anchors = 3
suppress_warnings = ['myst.xref_missing']   # tests/browser follows every link of the built site instead
autodoc_member_order = 'bysource'
autodoc_typehints = 'none'

html_theme = 'sphinx_book_theme'
html_title = project
html_context = {'default_mode': 'auto'}
html_static_path = [str(DOCS/'_static')]
html_css_files = ['course.css']
html_js_files = ['course.js']
html_use_index = False
html_show_sourcelink = False
html_copy_source = False
html_favicon = str(DOCS/'_static'/'favicon.svg')
pygments_style = 'a11y-high-contrast-light'
html_theme_options = {
    'navbar_persistent': [], 'use_download_button': False, 'use_fullscreen_button': False, 'show_toc_level': 2,
    'pygments_light_style': 'a11y-high-contrast-light', 'pygments_dark_style': 'a11y-high-contrast-dark', 'back_to_top_button': False,
}
mathjax3_config = {'chtml': {'scale': 1.0}, 'options': {'enableMenu': False}}


def literal(app, what, name, obj, options, lines):
    "Docstrings are plain text: no * or _ in them is markup, and `x` is code."
    lines[:] = [re.sub(r'`+([^`]+)`+', r'``\1``', re.sub(r'(?<!`)([*_|\\])(?=[^`]*(?:`[^`]*`[^`]*)*$)', r'\\\1', line)) for line in lines]


def setup(app): app.connect('autodoc-process-docstring', literal)
