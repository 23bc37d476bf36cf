"""Everything about the package stands in settings.ini; this file only hands it to setuptools."""
import shlex
from configparser import ConfigParser
from pathlib import Path
from setuptools import find_packages, setup

here = Path(__file__).parent
parser = ConfigParser(delimiters=['='])
parser.read(here/'settings.ini', encoding='utf-8')
cfg = parser['DEFAULT']
extras = {key.removesuffix('_requirements'): shlex.split(value)
          for key, value in cfg.items() if key.endswith('_requirements')}

setup(
    name=cfg['lib_name'], version=cfg['version'], description=cfg['description'], keywords=cfg['keywords'].split(),
    author=cfg['author'], license='Apache-2.0', python_requires=f">={cfg['min_python']}",
    long_description=(here/'README.md').read_text(encoding='utf-8'), long_description_content_type='text/markdown',
    packages=find_packages(include=[cfg['lib_name'], f"{cfg['lib_name']}.*"]),
    package_data={cfg['lib_name']: ['mnist/*', '*.mplstyle']}, include_package_data=False,
    install_requires=shlex.split(cfg['requirements']), extras_require=extras,
    entry_points={'nbdev': [f"{cfg['lib_name']}={cfg['lib_path']}._modidx:d"]},
    classifiers=['Development Status :: 4 - Beta', 'Intended Audience :: Education', 'Programming Language :: Python :: 3'],
    zip_safe=False,
)
