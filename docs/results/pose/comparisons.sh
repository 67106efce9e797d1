#!/usr/bin/env bash
# What each randomization, and a few photographs, are worth: the same training on different renders of LM-O's objects.
#   bash docs/results/pose/comparisons.sh path/to/lmo out        # seven runs of 3,500 steps; begun anew, it goes on
# Further arguments are those of the training, such as --bfloat16.
set -euo pipefail
lmo=$1 out=$2
shift 2
training=(--steps 3500 --log-every 200 "$@")
here=$(dirname "$0")

lights=(--set lights.count=1 --set lights.light.kind=directional --fix lights)
textures=(--set background.table.texture=flat --set background.table.colors.0.value=0.6 --fix background.table
  --set background.room.texture=flat --set background.room.colors.0.value=0.4 --fix background.room)
distractors=(--set distractors.count=0)
noise=(--set sensor.exposure_ev=0 --set sensor.white_balance=0 --set sensor.blur_px=0 --set sensor.shot_noise=0
  --set sensor.read_noise=0)

render() { # name, more arguments
  graspsim dump --config "$here/lmo.yaml" --objects "$lmo"/models/*.ply -o "$out/$1" --frames 4000 --seed 3 --workers 2 \
    "${@:2}"
}

learn() { # name of the run, name of its renders, more arguments
  local run=$out/runs/$1 resume=()
  [ -f "$run/estimator.pt" ] && return
  [ -f "$run/checkpoint.pt" ] && resume=(--resume)
  python training/finetune_pose.py --data "$out/$2" --out "$run" "${resume[@]}" "${training[@]}" "${@:3}"
}

try() { # name of the run, dataset, file of its scores
  [ -f "$3" ] && return
  python training/evaluate_pose.py "$out/runs/$1" --data "$2" --split test --rgb-only --no-vsd --workers 2 | tee "$3.part"
  mv "$3.part" "$3"
}

if [ ! -d "$out/halves" ]; then
  rm -rf "$out/halves.part"
  python "$here/split_photographs.py" "$lmo" "$out/halves.part"
  mv "$out/halves.part" "$out/halves"
fi
render all
learn all all
try all "$lmo" "$out/all.txt"
try all "$out/halves" "$out/all-half.txt"
learn real all --real "$out/halves" --real-fraction 0.2
try real "$out/halves" "$out/real-half.txt"
render plain "${lights[@]}" "${textures[@]}" "${distractors[@]}" "${noise[@]}"
learn plain plain
try plain "$lmo" "$out/plain.txt"
for left_out in lights textures distractors noise; do
  declare -n keys=$left_out
  render "no_$left_out" "${keys[@]}"
  learn "no_$left_out" "no_$left_out"
  try "no_$left_out" "$lmo" "$out/no_$left_out.txt"
done
