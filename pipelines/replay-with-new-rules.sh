#!/usr/bin/env bash
# What would change if these were the rules? Reads the journal of what was classified, changes nothing:
# prints each object that would get other types, with both.
#
#   pipelines/replay-with-new-rules.sh new-rules.json
set -euo pipefail
rules=${1:?give a rule file, for example new-rules.json}
fiona-journal cat organized --type instance |
  jq -c '.was = (.ClassifyType // [])' |
  fiona-classify --rules "$rules" |
  jq -c 'select(.type == "instance" and .ClassifyType != .was) | {path, was, now: .ClassifyType}'
