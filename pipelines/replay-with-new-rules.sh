#!/usr/bin/env bash
# What would these rules have said of everything that was received? Reads the journal, changes nothing.
#
#   pipelines/replay-with-new-rules.sh new-rules.json
set -euo pipefail
fiona-journal cat received |
  fiona-classify --rules "$1" --explain |
  jq -c 'select(.type == "instance") | {SOPInstanceUID, ClassifyType}'
