# shellcheck shell=bash
# What run_simulation.sh and run_tests.sh share: the packages, and the build. To be sourced.
#
# With everything installed and built none of this needs root or the network, and nothing is done
# twice. Messages go to stderr, so that stdout belongs to the program.

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

# shellcheck disable=SC2034  # read by both scripts
build_packages=(g++ cmake ninja-build pkg-config libpq-dev libuv1-dev libmicrohttpd-dev libcxxopts-dev nlohmann-json3-dev
    libfmt-dev libssl-dev zlib1g-dev libjs-chart.js)
# shellcheck disable=SC2034  # the temporary server, and that of the tests
server_packages=(postgresql)
# shellcheck disable=SC2034  # read by run_tests.sh
test_packages=(catch2 librapidcheck-dev openssl python3 python3-jsonschema libhdrhistogram-java default-jre-headless
    pgbouncer jq iproute2)

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die() {
    say "$*"
    exit 1
}

is_installed() {
    # Its programs come in packages of other names, too (apt.postgresql.org), and a second server helps nobody.
    [[ $1 != postgresql ]] || ! compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || return 0
    # A line for each architecture that it is known in.
    dpkg-query --show --showformat='${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
}

# as_root COMMAND...: output goes to a log that is shown only when the command fails.
as_root() {
    local log status=0 sudo=()
    ((EUID == 0)) || sudo=(sudo)
    log=$(mktemp)
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive "$@" >"$log" 2>&1 </dev/null || status=$?
    ((status == 0)) || cat "$log" >&2
    rm -f "$log"
    return "$status"
}

# Installing the server makes and starts a cluster on port 5432, which nobody asked for: pgtraffic wants
# only its programs. Whoever has set this already, has decided already.
forbid_main_cluster() {
    local config=/etc/postgresql-common/createcluster.conf
    [[ ! -e $config ]] || return 0
    say "writing $config, so that installing the server does not start a database on this machine"
    # shellcheck disable=SC2016  # expanded by the inner shell
    as_root sh -c 'mkdir -p "${1%/*}" && printf "%s\n" "$2" "$3" >"$1" && chmod 644 "$1"' sh "$config" \
        '# Written by pgtraffic when it installed postgresql for its programs; remove to get clusters again.' \
        'create_main_cluster = false'
}

# require_packages NAME...: installs those that are missing.
require_packages() {
    local package missing=() install=(apt-get install --yes --no-install-recommends)
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        say "no apt here: taking it that what Debian calls $* is installed"
        return 0
    fi
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    ((${#missing[@]} > 0)) || return 0

    if ((EUID != 0)) && ! command -v sudo >/dev/null; then
        die "some packages are missing, and installing them needs root. As root, run this and start again:
  apt-get update && ${install[*]} ${missing[*]}"
    fi
    say "installing ${missing[*]}"
    # Asks for the password here, where it can be seen and answered.
    ((EUID == 0)) || sudo -v || die "sudo refused. As root, run this and start again:
  apt-get update && ${install[*]} ${missing[*]}"
    if [[ " ${missing[*]} " == *" postgresql "* ]]; then
        forbid_main_cluster || die "cannot write /etc/postgresql-common/createcluster.conf"
    fi
    as_root apt-get -o DPkg::Lock::Timeout=300 update || die "apt-get update failed, see above"
    as_root "${install[@]}" -o DPkg::Lock::Timeout=300 "${missing[@]}" ||
        die "the packages could not be installed, see above"
}

# build_preset NAME: configures build/NAME where that has not been done, and builds what has changed.
build_preset() {
    local directory="$root/build/$1" log="$root/build/$1.log" source
    mkdir -p "$directory" 2>/dev/null || die "cannot write to $root: copy it to a place of your own"
    [[ -w $directory && (! -e $log || -w $log) ]] ||
        die "$directory is not yours (built by another user?): remove it, or copy $root to a place of your own"
    source=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$directory/CMakeCache.txt" 2>/dev/null) || true
    if [[ -n $source && ! $source -ef $root ]]; then
        rm -rf "$directory"  # copied with the tree, and would build what it was copied from
        mkdir "$directory"
    fi
    if [[ ! -e $directory/build.ninja ]]; then
        say "building $directory (this takes some minutes, the first time)"
    fi
    (
        flock 9 || true  # whoever starts a second one waits for the first
        exec >"$log" 2>&1 </dev/null
        cd "$root"
        [[ -e $directory/build.ninja && ! CMakePresets.json -nt $directory/build.ninja ]] || cmake --preset "$1" 9>&-
        cmake --build --preset "$1" 9>&-
    ) 9>"$root/build/$1.lock" || {
        tail -n 80 "$log" >&2
        die "the build failed; everything it said is in $log"
    }
}
