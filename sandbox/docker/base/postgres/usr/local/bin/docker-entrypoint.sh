#!/bin/sh
# Does in a stand-in image what the official image's script of this name does (https://hub.docker.com/_/postgres): makes a cluster in an empty
# PGDATA from POSTGRES_PASSWORD, POSTGRES_USER and POSTGRES_DB, then becomes the server. Runs as postgres; has no initdb scripts.
set -eu
case "${1:-postgres}" in -*) set -- postgres "$@" ;; esac
[ "$1" = postgres ] || exec "$@"
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  if [ -z "${POSTGRES_PASSWORD:-}" ]; then
    echo 'Error: Database is uninitialized and superuser password is not specified.' >&2
    echo '       You must specify POSTGRES_PASSWORD to a non-empty value.' >&2
    exit 1
  fi
  user=${POSTGRES_USER:-postgres}
  database=${POSTGRES_DB:-$user}
  password_file=$(mktemp)
  printf '%s\n' "$POSTGRES_PASSWORD" >"$password_file"
  initdb --pgdata "$PGDATA" --username "$user" --pwfile "$password_file" --encoding UTF8 --locale C.UTF-8 --auth-local trust --auth-host scram-sha-256
  rm "$password_file"
  echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
  echo "listen_addresses = '*'" >>"$PGDATA/postgresql.conf"
  if [ "$database" != postgres ]; then
    pg_ctl --pgdata "$PGDATA" --wait --silent --options "-c listen_addresses=''" start
    createdb --username "$user" --no-password --maintenance-db postgres "$database"
    pg_ctl --pgdata "$PGDATA" --wait --silent --mode fast stop
  fi
fi
exec "$@"
