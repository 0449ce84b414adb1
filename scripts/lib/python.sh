# Sourced: finds or gets uv, and a Python that Home Assistant runs on.
# All it gets stays inside the project: uv and patchelf in .tools, Python in .python.

readonly PYTHON_WANTED='>=3.14.2,<3.15'
readonly DEBIAN_SUITE=forky
readonly DEBIAN_KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

export UV_PYTHON_INSTALL_DIR="${UV_PYTHON_INSTALL_DIR:-$PWD/.python/uv}"
export PATH="$PWD/.tools/bin:$PATH"

# Functions run by `step` or in a condition don't stop at an error, whatever `set -e` says: they chain with && or return.

say() { printf '%s\n' "$*" >&2; }

runs() { "$@" >/dev/null 2>&1; }

# step TITLE COMMAND...: runs the command and says how long it took.
step() {
    local title=$1 start=${EPOCHREALTIME//[!0-9]/} status=0 tenths
    shift
    say "==> $title"
    "$@" || status=$?
    tenths=$(((${EPOCHREALTIME//[!0-9]/} - start) / 100000))
    say "    $( ((status)) && echo failed || echo done) after $((tenths / 10)).$((tenths % 10)) s"
    return "$status"
}

is_wanted_python() {
    runs "$1" -c 'import sys, ctypes, sqlite3, ssl; sys.exit(not (3, 14, 2) <= sys.version_info < (3, 15))'
}

# debian_mirror: prints the machine's package mirror, from either form of apt's sources.
debian_mirror() {
    cat /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null |
        sed -nE -e 's/^URIs:[[:space:]]*([^[:space:]]+).*/\1/p' \
            -e 's/^deb[[:space:]]+(\[[^]]*\][[:space:]]+)?([^[:space:]]+).*/\2/p' |
        sed -e '/security/d' -e q
}

# debian_unpack FOLDER PACKAGE...: downloads packages of a newer Debian, with what they depend on, and unpacks them into
# the folder. apt verifies the signatures; its state here is private, so the system's own is neither read nor changed.
debian_unpack() {
    local folder=$1 mirror state status
    shift
    mirror=$(debian_mirror) || true
    if ! runs apt-get --version || [[ ! -r $DEBIAN_KEYRING || -z $mirror ]]; then
        say "    this is not a Debian machine with a package mirror"
        return 1
    fi
    state=$(mktemp -d)
    chmod 755 "$state" # apt run by root downloads as the user _apt
    mkdir -p "$folder" "$state"/{lists,cache/archives}/partial
    cat >"$state/debian.sources" <<EOF
Types: deb
URIs: $mirror
Suites: $DEBIAN_SUITE
Components: main
Targets: Packages
Signed-By: $DEBIAN_KEYRING
EOF
    cat >"$state/apt.conf" <<EOF
#clear APT::Update::Post-Invoke; # container images clean the system's cache there
Debug::NoLocking "1";
Dir::Cache "$state/cache";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::Etc::sourcelist "$state/debian.sources";
Dir::Etc::sourceparts "/dev/null";
Dir::State::lists "$state/lists";
Dir::State::status "/dev/null";
EOF
    # The C library's headers would shadow the machine's own when something is compiled against this Python.
    apt-get -qq --config-file "$state/apt.conf" update >&2 &&
        apt-get -qq --config-file "$state/apt.conf" install --download-only --no-install-recommends --yes "$@" >&2 &&
        find "$state/cache/archives" -name '*.deb' ! -name 'libc*-dev*' ! -name 'linux-libc-dev_*' -print0 |
        xargs -0 -I{} dpkg -x {} "$folder"
    status=$?
    rm -rf "$state"
    return "$status"
}

get_tools() {
    local pip=(python3 -m pip)
    rm -rf .tools
    if ! runs "${pip[@]}" --version; then
        debian_unpack .tools/debian python3-pip || return
        pip=(env PYTHONPATH=.tools/debian/usr/lib/python3/dist-packages python3 -m pip)
    fi
    PIP_FIND_LINKS='' "${pip[@]}" install --quiet --disable-pip-version-check --root-user-action ignore \
        --require-hashes --target .tools --requirement requirements/tools.txt &&
        hash -r
}

python_from_uv() {
    # A network without the open internet must fail fast; one with it may be slow.
    UV_HTTP_CONNECT_TIMEOUT=5 UV_HTTP_RETRIES=1 timeout 180 uv python install --quiet --no-bin "$PYTHON_WANTED"
}

python_from_debian() {
    local root=$PWD/.python/debian loader
    rm -rf "$root"
    runs patchelf --version || get_tools || return
    debian_unpack "$root" python3.14 libpython3.14-dev || return
    loader=$(find "$root/usr/lib" -name 'ld-linux-*.so.*' | head -n 1)
    # Debian's interpreter must load the C library it came with, not the machine's older one.
    patchelf --set-interpreter "$loader" --force-rpath --set-rpath "$(dirname "$loader")" "$root/usr/bin/python3.14"
}

# find_python: prints the path of a wanted Python that is already there: on PATH, from uv or from Debian.
find_python() {
    local python
    for python in "$(uv python find --system --no-python-downloads "$PYTHON_WANTED" 2>/dev/null)" \
        "$PWD/.python/debian/usr/bin/python3.14"; do
        is_wanted_python "$python" && echo "$python" && return
    done
    return 1
}

get_python() {
    step "Getting Python 3.14 through uv" python_from_uv && runs find_python && return
    step "Getting Python 3.14 from Debian $DEBIAN_SUITE" python_from_debian && runs find_python && return
    say "No Python $PYTHON_WANTED on PATH, through uv or from Debian: install one and start again."
    return 1
}
