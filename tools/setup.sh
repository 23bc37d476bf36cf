#!/bin/sh
# Make .venv and install the course into it, at the versions it is tested with.
set -eu
PYTHON=${PYTHON:-python3}
if ! "$PYTHON" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))'; then
    echo "The course needs Python 3.10 to 3.13; '$PYTHON' is $("$PYTHON" --version 2>&1 || echo 'not there'). Name another: make PYTHON=python3.12 ..." >&2
    exit 1
fi
if ! "$PYTHON" -c 'import venv, ensurepip' 2>/dev/null; then
    echo "'$PYTHON' comes without venv. On Debian and Ubuntu: apt install python3-venv" >&2
    exit 1
fi
echo 'Installing into .venv (once; a minute or two) ...'
# a .venv without a working pip is one whose making was interrupted: begin anew
.venv/bin/python -m pip --version > /dev/null 2>&1 || "$PYTHON" -m venv --clear .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,site]'
.venv/bin/python -m pip check
