#!/bin/sh
# Does in a stand-in image what the official image's script of this name does (https://hub.docker.com/_/redis). Runs as redis, in /data.
set -eu
case "${1:-redis-server}" in -* | *.conf) set -- redis-server "$@" ;; esac
# Protected mode would refuse everybody but loopback; a container's network is its protection, as in the official image.
[ "$1" = redis-server ] && set -- "$@" --protected-mode no
exec "$@"
