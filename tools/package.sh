#!/bin/sh
# Build the source distribution, and from it the wheel, without a warning; let twine check both; print their sizes.
set -eu
PYTHON=${PYTHON:-python3}
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
"$PYTHON" -m venv "$tools/venv"
"$tools/venv/bin/python" -m pip install --quiet --disable-pip-version-check build twine
rm -rf dist
env -u PYTHONDONTWRITEBYTECODE "$tools/venv/bin/python" -m build > "$tools/log" 2>&1 || { cat "$tools/log"; exit 1; }
if grep '[Ww]arning' "$tools/log"; then exit 1; fi
"$tools/venv/bin/twine" check --strict dist/*
ls -l dist | awk 'NF > 8 { printf "%s: %.1f MB\n", $9, $5/1e6 }'
