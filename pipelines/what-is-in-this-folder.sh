#!/usr/bin/env bash
# How many objects of each type lie in a folder? Nothing is copied or changed.
#
#   pipelines/what-is-in-this-folder.sh /media/cdrom
set -euo pipefail
fiona-import --in-place "$@" |
  fiona-classify |
  jq -r 'select(.type == "instance") | [.attributes.Modality, .attributes.SeriesDescription, (.ClassifyType // [] | join("+"))] | @tsv' |
  sort | uniq -c | sort -rn
