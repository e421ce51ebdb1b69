#!/bin/bash
# How long reading takes beside what else a person would run: zcat on the wide file, pandas.read_csv
# on the long one. Turn and turn about, so that a busy machine slows both; medians of ROUNDS.
#
#   bench/reading.sh HOURGLASS DATA [ROUNDS=5]      (PYTHON=/usr/bin/python3 names one with pandas)
#
# Prints Markdown. hourglass counts as a whole process, from its start; of Python only
# read_csv counts, and the second call at that, since the first is up to half slower.
set -euo pipefail
if [[ $# -lt 2 ]]; then sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; fi
hourglass=$1
wide=$2/goodbooks/wide.csv.gz
long=$2/goodbooks/ratings.csv.gz
rounds=${3:-5}
python=${PYTHON:-/usr/bin/python3}
if [[ ! -r $wide || ! -r $long ]]; then echo "skipped: no data" >&2; exit 0; fi

seconds() {  # of a command, by the wall
  local begin=$EPOCHREALTIME
  "$@" > /dev/null
  local end=$EPOCHREALTIME
  awk "BEGIN {printf \"%.4f\", $end - $begin}"
}
pandas() {
  "$python" -c 'import sys, time, pandas
pandas.read_csv(sys.argv[1])
begin = time.perf_counter(); pandas.read_csv(sys.argv[1]); print(f"{time.perf_counter() - begin:.4f}")' "$long"
}
median() { printf '%s\n' "$@" | sort -g | sed -n "$((($# + 1) / 2))p"; }

zcat_wide=() our_wide=() pandas_long=() our_long=()
for ((round = 0; round < rounds; ++round)); do
  zcat_wide+=("$(seconds zcat "$wide")")
  our_wide+=("$(seconds "$hourglass" info "$wide")")
  pandas_long+=("$(pandas)")
  our_long+=("$(seconds "$hourglass" info "$long")")
done

row() {  # file, beside what, their times, our times
  local theirs ours
  theirs=$(median $3)
  ours=$(median $4)
  printf '| %s | %s: %s s | %s s | %s | %s / %s |\n' "$1" "$2" "$theirs" "$ours" \
    "$(awk "BEGIN {printf \"%.2f\", $ours / $theirs}")" "$3" "$4"
}
echo "| file | beside | hourglass info | ratio | all times, s: theirs / ours |"
echo "|---|---|---|---|---|"
row "goodbooks wide" zcat "${zcat_wide[*]}" "${our_wide[*]}"
row "goodbooks long" pandas.read_csv "${pandas_long[*]}" "${our_long[*]}"
