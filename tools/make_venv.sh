#!/bin/sh
# make_venv.sh FOLDER: a fresh virtual environment in FOLDER, made by $PYTHON or the first python3 that is
# 3.11 or later. Says what is missing where it cannot.
set -eu
folder=$1

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

found=
for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python}; do
    if command -v "$candidate" >/dev/null 2>&1 && new_enough "$candidate"; then
        found=$candidate
        break
    fi
done
if [ -z "$found" ]; then
    echo "Tapeflow needs Python 3.11 or later, and none of these is: ${PYTHON:-python3, python3.11 to 3.14, python}." >&2
    echo "Install one, or name it: make test PYTHON=/path/to/python3" >&2
    exit 1
fi

version=$("$found" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
if ! "$found" -c 'import venv, ensurepip' 2>/dev/null; then
    echo "Python $version ($(command -v "$found")) comes without venv. On Debian and Ubuntu:" >&2
    echo "    sudo apt install python$version-venv" >&2
    exit 1
fi

echo "== making $folder with Python $version ($(command -v "$found"))"
"$found" -m venv --clear "$folder"
