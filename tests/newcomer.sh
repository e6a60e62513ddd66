#!/bin/sh
# What a newcomer does, on a machine that has nothing: `make run` and `make test` of what is committed
# here, in a bare Debian with make and Python, as root, with an empty environment.
#
#     tests/newcomer.sh [target...]        default: run test
#
# Needs root and debootstrap. NEWCOMER_BASE names a tree that debootstrap made before (it is copied);
# SUITE and MIRROR are debootstrap's. How this machine reaches the network (names, certificates,
# package registries) is copied in when it runs: it is no part of the repository.
set -eu
cd "$(dirname "$0")/.."
test "$(id -u)" -eq 0 || { echo "newcomer.sh: needs root" >&2; exit 1; }

# The mounts are our own and end with us, however that comes about.
if [ "${NEWCOMER_INSIDE:-}" != yes ]; then
    NEWCOMER_INSIDE=yes exec unshare --mount --propagation private "$0" "$@"
fi
test $# -gt 0 || set -- run test

tree=$(mktemp -d)
trap 'umount -R "$tree/proc" "$tree/dev/pts" "$tree/dev/shm" 2>/dev/null || :; rm -rf --one-file-system "$tree"' EXIT
trap 'exit 1' INT TERM

if [ -n "${NEWCOMER_BASE:-}" ]; then
    cp -a "$NEWCOMER_BASE/." "$tree"
else
    command -v debootstrap >/dev/null || { echo "newcomer.sh: needs debootstrap" >&2; exit 1; }
    # shellcheck disable=SC2086 # without a mirror, debootstrap has its own
    debootstrap --variant=minbase --include=make,python3 "${SUITE:-bookworm}" "$tree" ${MIRROR:-} >/dev/null
fi

# --- the network of this machine
cp /etc/resolv.conf /etc/hosts "$tree/etc/"
grep -hsE '^ *Acquire::' /etc/apt/apt.conf.d/* > "$tree/etc/apt/apt.conf.d/99network" || :
{
    echo "[global]"
    # Under a name of its own: installing ca-certificates would write over Debian's.
    cp /etc/ssl/certs/ca-certificates.crt "$tree/etc/host-authorities.crt" 2>/dev/null &&
        echo "cert = /etc/host-authorities.crt"
    python3 -m pip config list 2>/dev/null | grep -v 'file://' | sort -u -t= -k1,1 | sed -nE \
        "s/^(:env:|global)\.(index-url|extra-index-url|trusted-host|proxy|timeout)='(.*)'$/\2 = \3/p"
} > "$tree/etc/pip.conf"

mount -t proc proc "$tree/proc"
mkdir -p "$tree/dev/pts" "$tree/dev/shm"
mount -t devpts devpts "$tree/dev/pts"
mount -t tmpfs tmpfs "$tree/dev/shm"
git clone -q . "$tree/srv/platypus"

for target in "$@"; do
    begun=$(date +%s)
    printf '\n===== make %s, as a newcomer\n' "$target"
    chroot "$tree" env -i PATH=/usr/bin:/bin make -C /srv/platypus "$target" </dev/null
    printf '===== make %s took %d s\n' "$target" $(($(date +%s) - begun))
done
