"""Sphinx's settings for the website; docs/build.py prepares the source folder."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))   # where nbdev_reader is

project = 'Deep learning from the foundations'
author = 'the foundations authors'
copyright = f'2026, {author}'
extensions = ['myst_nb', 'sphinx_copybutton', 'sphinx-mathjax-offline']
exclude_patterns = ['_static']

nb_execution_mode = 'off'
nb_custom_formats = {'.ipynb': ['nbdev_reader.read', {}]}
nb_mime_priority_overrides = [('html', 'application/vnd.jupyter.widget-view+json', None)]
myst_enable_extensions = ['dollarmath', 'amsmath', 'attrs_block', 'attrs_inline']
myst_heading_anchors = 3
suppress_warnings = ['myst.xref_missing']   # tests/test_site.py follows every link of the built site instead

html_theme = 'sphinx_book_theme'
html_title = project
html_context = {'default_mode': 'auto'}
html_css_files = ['course.css', 'modules.css']
html_js_files = ['course.js']
html_use_index = False
html_show_sourcelink = False
html_copy_source = False
html_favicon = '_static/favicon.svg'
pygments_style = 'a11y-high-contrast-light'
html_theme_options = {
    'navbar_persistent': [], 'use_download_button': False, 'use_fullscreen_button': False, 'show_toc_level': 2,
    'pygments_light_style': 'a11y-high-contrast-light', 'pygments_dark_style': 'a11y-high-contrast-dark', 'back_to_top_button': False,
}
mathjax3_config = {'chtml': {'scale': 1.0}, 'options': {'enableMenu': False}}

