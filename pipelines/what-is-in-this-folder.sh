#!/usr/bin/env bash
# How many objects of each type lie in a folder? Nothing is copied or changed.
# What could not be read is counted, too, and makes the exit code 1.
#
#   pipelines/what-is-in-this-folder.sh /media/cdrom
set -euo pipefail
: "${1:?give a folder, for example /media/cdrom}"
fiona-import --in-place -- "$@" |
  fiona-classify |
  jq -r '
    if .type == "instance" then
      [.attributes.Modality, .attributes.SeriesDescription, (.ClassifyType // [] | join("+"))] | @tsv
    elif .type == "error" then ["not read", .code, ""] | @tsv
    else empty end' |
  sort | uniq -c | sort -rn
