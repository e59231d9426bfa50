# Sourced by scripts/demo and scripts/test: makes .venv and installs what LIST pins, when that changed.
# With it: $python, the interpreter to use.

prepare_venv() {
    local list=$1 base=${PYTHON:-python3} stamp
    command -v "$base" >/dev/null || { echo "bridge needs Python 3.11 or newer; there is no $base here." >&2; exit 1; }
    "$base" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
        echo "bridge needs Python 3.11 or newer; $base is $("$base" -V 2>&1). Set PYTHON to another." >&2
        exit 1
    }
    python=.venv/bin/python
    # requirements-dev.txt holds all of requirements.txt: what installed it serves both.
    stamp=$(cat requirements.txt requirements-dev.txt | cksum)
    if [ -x "$python" ] && { [ "$(cat .venv/dev.stamp 2>/dev/null)" = "$stamp" ] ||
        [ "$(cat ".venv/$list.stamp" 2>/dev/null)" = "$stamp" ]; }; then
        return
    fi
    echo "Installing what bridge needs into .venv ($list); this takes a minute the first time."
    [ -x "$python" ] || "$base" -m venv .venv || {
        echo "cannot make a virtual environment: on Debian, apt install python3-venv" >&2
        exit 1
    }
    local file=requirements.txt
    [ "$list" = dev ] && file=requirements-dev.txt
    "$python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$file"
    echo "$stamp" >".venv/$list.stamp"
}
