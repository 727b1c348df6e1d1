#!/usr/bin/env bash
# Installs what is missing, builds pgtraffic and runs it: 150 connections read orders for 30 seconds, and only
# the report is printed. Options given here override those settings; a command (plan, init, show, ...) is
# passed on as it is.
#
#   ./run_simulation.sh --query-type mixed --duration 60
#   DATABASE_URL=postgresql://app@db.example/shop ./run_simulation.sh --real-simulation
#   ./run_simulation.sh plan --pattern business-hours --peak-rate 2000
#
# The target is DATABASE_URL, or DB_HOST with DB_PORT, DB_USER, DB_PASSWORD, DB_NAME (over TLS, unless
# PGSSLMODE says otherwise), from the environment or else from the file .env here or beside this script, which
# is not read where the environment names a server in libpq's way (PGHOST, PGHOSTADDR, PGSERVICE). Without them
# pgtraffic finds its own: libpq's environment, or a temporary PostgreSQL.
# No password is ever put on a command line.
set -euo pipefail

# shellcheck source=.ci/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/.ci/setup.sh"

# unquote TEXT: prints what a value of an .env file stands for; fails where a quote is not closed.
unquote() {
    local text=$1 result=''
    if [[ $text =~ ^\'([^\']*)\'[[:space:]]*(#.*)?$ ]]; then
        result=${BASH_REMATCH[1]}
    elif [[ $text =~ ^\"(([^\"\\]|\\.)*)\"[[:space:]]*(#.*)?$ ]]; then
        text=${BASH_REMATCH[1]}
        while [[ $text =~ ^([^\\]*)\\(.)(.*)$ ]]; do
            result+=${BASH_REMATCH[1]}
            # As in the shell, other backslashes are themselves.
            [[ ${BASH_REMATCH[2]} == [\"\\\$\`] ]] || result+=\\
            result+=${BASH_REMATCH[2]}
            text=${BASH_REMATCH[3]}
        done
        result+=$text
    elif [[ $text == [\"\']* ]]; then
        return 1
    else
        [[ $text == \#* ]] && text=''
        text=${text%%[[:space:]]#*}
        result=${text%"${text##*[![:space:]]}"}
    fi
    printf '%s' "$result"
}

# read_env_file FILE: takes the target's variables from it, unless the environment has them. The file is
# read, never run. A target in the environment is not replaced by another one in the file, and what the file
# says of another host's user and password stays that host's.
read_env_file() {
    local line name value number=0 names=' DB_HOST DB_PORT DB_USER DB_PASSWORD DB_NAME DATABASE_URL '
    local -A found=()
    [[ -z ${DB_HOST-} ]] || names=${names/ DATABASE_URL / }
    for name in $names; do
        [[ ! -v $name ]] || names=${names/ $name / }
    done
    while IFS= read -r line || [[ -n $line ]]; do
        number=$((number + 1))
        [[ $line =~ ^[[:space:]]*(export[[:space:]]+)?([A-Z_]+)[[:space:]]*=[[:space:]]*(.*)$ ]] || continue
        name=${BASH_REMATCH[2]}
        value=${BASH_REMATCH[3]}
        [[ $names == *" $name "* || $name == DB_HOST ]] || continue
        value=$(unquote "$value") || die "$1:$number: the value of $name has a quote that is not closed"
        found[$name]=$value
    done <"$1"
    if [[ -n ${DB_HOST-} && -n ${found[DB_HOST]-} && $DB_HOST != "${found[DB_HOST]}" ]]; then
        unset 'found[DB_PORT]' 'found[DB_USER]' 'found[DB_PASSWORD]'
    fi
    for name in $names; do
        [[ ! -v found[$name] ]] || export "$name=${found[$name]}"
    done
}

# names_target ARGUMENT...: whether the command line says where to connect. Then what the environment says
# of another server, its password above all, must not be mixed in.
names_target() {
    local argument
    for argument in "$@"; do
        case $argument in
            -d* | -h* | --database-url | --database-url=* | --host | --host=* | --ephemeral) return 0 ;;
        esac
    done
    return 1
}

# use_target: hands the target on by libpq's own variables.
use_target() {
    local name
    if [[ -n ${DATABASE_URL-} ]]; then
        return 0  # pgtraffic reads it
    fi
    unset DATABASE_URL
    if [[ -z ${DB_HOST-} ]]; then
        for name in DB_PORT DB_USER DB_PASSWORD DB_NAME; do
            [[ -z ${!name-} ]] || die "$name is set, but not DB_HOST: set it, or unset $name to go without"
        done
        return 0
    fi
    unset PGHOSTADDR PGSERVICE  # stronger than PGHOST
    export PGHOST=$DB_HOST PGSSLMODE=${PGSSLMODE:-require}
    [[ -z ${DB_PORT-} ]] || export PGPORT=$DB_PORT
    [[ -z ${DB_USER-} ]] || export PGUSER=$DB_USER
    [[ -z ${DB_PASSWORD-} ]] || export PGPASSWORD=$DB_PASSWORD
    [[ -z ${DB_NAME-} ]] || export PGDATABASE=$DB_NAME
}

# asks_to_read ARGUMENT...: whether they ask for help or the version, wherever that stands.
asks_to_read() {
    local argument
    for argument in "$@"; do
        case $argument in
            --) return 1 ;;
            --help | --version | -[?V]) return 0 ;;
        esac
    done
    return 1
}

# asks_no_database ARGUMENT...: whether the command needs none, and so no target.
asks_no_database() {
    case ${1-} in
        plan | list | show | report | compare | help | version) return 0 ;;
    esac
    asks_to_read "$@"
}

# wants_server ARGUMENT...: whether pgtraffic will start a temporary PostgreSQL, as nobody names another one.
wants_server() {
    local argument
    ! asks_no_database "$@" || return 1
    for argument in "$@"; do
        case $argument in
            init | cleanup) return 1 ;;
            --ephemeral) return 0 ;;
        esac
    done
    ! names_target "$@" && [[ -z ${DATABASE_URL-}${PGHOST-}${PGHOSTADDR-}${PGSERVICE-}${PGPORT-}${PGDATABASE-} ]]
}

if ! asks_no_database "$@" && ! names_target "$@"; then
    if [[ -n ${DATABASE_URL-}${DB_HOST-} || -z ${PGHOST-}${PGHOSTADDR-}${PGSERVICE-} ]]; then
        if [[ -f .env ]]; then
            read_env_file .env
        elif [[ -f $root/.env ]]; then
            read_env_file "$root/.env"
        fi
    fi
    use_target
fi

# select, and for the duration only, is what pgtraffic does by itself; said here, it would stand in the way
# of --mix, --scenario and --total-queries.
settings=(--connections 150 --duration 30)
quiet=(--disable-logging)
for argument in "$@"; do
    # Who asks to see something shall see it.
    case $argument in
        --live | --live=* | --listen | --listen=* | --progress | --progress=* | -P*) quiet=() ;;
    esac
done
case ${1-} in
    [!-]*) settings=() quiet=() ;;
    -h) (($# > 1)) || settings=() quiet=() ;;
esac
! asks_to_read "$@" || settings=() quiet=()

packages=("${build_packages[@]}")
! wants_server "$@" || packages+=("${server_packages[@]}")
require_packages "${packages[@]}"
build_preset release
exec "$root/build/release/pgtraffic" "${settings[@]}" "${quiet[@]}" "$@"
