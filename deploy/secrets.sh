#!/bin/sh
# Makes the secrets of compose.yaml, random ones, in the folder `secrets` beside it. One that is there stays as it is.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets
for name in api_token read_token mysql_root mysql_udup grafana_admin; do
  [ -e "secrets/$name" ] || { od -An -N24 -tx1 /dev/urandom | tr -d ' \n' > "secrets/$name"; echo "made secrets/$name"; }
done
# Docker mounts each file as it is, and the users of the containers read it as others; the folder keeps others of this
# machine out.
chmod 0644 secrets/*
