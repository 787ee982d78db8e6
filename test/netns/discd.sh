#!/bin/sh
# The built discd with a /run/discd of its own: test daemons run side by side, and none
# may meet another's socket, or leave one behind. Without root it is run as it is.
top=$(dirname "$0")/../..
program=${DISCD_TEST_PROGRAM:-$top/bin/discd}
[ "$(id -u)" = 0 ] || exec "$program" "$@"
mkdir -p /run/discd
exec unshare -m sh -c 'mount -t tmpfs none /run/discd && exec "$0" "$@"' "$program" "$@"
