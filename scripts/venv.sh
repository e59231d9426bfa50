# Sourced by scripts/{bench,demo,release,test} and .ci/run. prepare_venv LIST makes .venv and installs what LIST pins, when that changed.
# With it: $python, the interpreter to use.

# Print a Python that was built with optimizations and can make .venv; fail where there is none. pyenv builds without
# them unless told otherwise, and bridge then takes a third more CPU. Debian builds with them, but does not record it.
optimized_python() {
    local fit='import ensurepip, sys, venv; assert sys.version_info >= (3, 11)'
    local recorded='import sysconfig; assert "--enable-optimizations" in sysconfig.get_config_var("CONFIG_ARGS")'
    python3 -c "$fit; $recorded" 2>/dev/null && echo python3 && return
    /usr/bin/python3 -c "$fit" 2>/dev/null && echo /usr/bin/python3
}

prepare_venv() {
    local list=$1 base stamp
    base=${PYTHON:-$(optimized_python || echo python3)}
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
    echo "Installing what bridge needs into .venv ($list, with $base); this takes a minute the first time."
    [ -x "$python" ] || "$base" -m venv .venv || {
        echo "cannot make a virtual environment: on Debian, apt install python3-venv" >&2
        exit 1
    }
    local file=requirements.txt
    [ "$list" = dev ] && file=requirements-dev.txt
    "$python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$file"
    echo "$stamp" >".venv/$list.stamp"
}
