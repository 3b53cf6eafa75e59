#!/usr/bin/env bash
# Send the objects of stored studies through the running chain again, for example because the rules have
# changed. Nothing is copied: they stay where they are, and are classified and organized a second time. A study
# that was complete stays so; it is not said, de-identified or sent again.
#
#   pipelines/classify-again.sh FRONT-DOOR STUDY-FOLDER…
#   pipelines/classify-again.sh /run/fiona/received.pipe /var/lib/fiona/default/archive/1.2.3
set -euo pipefail
if (($# < 2)); then
  echo "usage: $0 FRONT-DOOR STUDY-FOLDER..." >&2
  exit 64
fi
front_door=$1
shift
# Without this check the shell would make a regular file, and nobody would read it.
if [[ ! -p $front_door ]]; then
  echo "error: there is no named pipe at $front_door; does the chain run?" >&2
  exit 69
fi
for folder in "$@"; do
  realpath -e -- "$folder" > "$front_door"
done
