#!/bin/sh
# nbdev 3 in an environment of its own, lent torch and matplotlib by .venv: does it export the same library, and do notebooks pass?
#     sh tools/nbdev3.sh [NOTEBOOK ...]      (two quick ones, unless some are named)
set -eu
cd "$(dirname "$0")/.."
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
.venv/bin/python -m venv "$copy/venv"
"$copy/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'nbdev>=3,<4'
.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > "$("$copy/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/zz.pth"
mkdir "$copy/course"
cp -R nbs foundations settings.ini setup.py pyproject.toml README.md "$copy/course"
cd "$copy/course"
for module in foundations/*.py; do mv "$module" "$copy"; done
cp "$copy/__init__.py" "$copy/all.py" foundations
"$copy/venv/bin/nbdev-export"
for module in "$copy"/*.py; do
    case $module in */_modidx.py) ;; *) cmp "$module" "foundations/$(basename "$module")" ;; esac
done
echo 'nbdev 3 exports the same library'
[ $# -gt 0 ] || set -- nbs/05_forward.ipynb nbs/06_mse.ipynb
for notebook; do PYTHONPATH=$PWD OMP_NUM_THREADS=1 "$copy/venv/bin/nbdev-test" "$notebook"; done
