#!/usr/bin/env bash
# De-identify the studies of a folder into another, for one participant. No receiver, no journals.
#
#   pipelines/deidentify-folder.sh KEYFILE PARTICIPANT OUT FOLDER…
#
# A key file is made with:  (umask 077; head -c 32 /dev/urandom > KEYFILE)
# The exit code is 1 when something could not be read or de-identified: the records on stdout say what.
set -euo pipefail
if (($# < 4)); then
  echo "usage: $0 KEYFILE PARTICIPANT OUT FOLDER..." >&2
  exit 64
fi
key=$1 participant=$2 out=$3
shift 3
fiona-import --in-place -- "$@" |
  fiona-arrive |
  fiona-anon --key-file "$key" --participant "$participant" --out "$out"
