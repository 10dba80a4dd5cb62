#!/bin/sh
# supervise.sh STATE COMMAND [ARGUMENT...]
# The parent of one container's first process, as containerd's shim is: it outlives the engine and keeps the exit code for it.
# Leaves STATE/pids (its own and the command's) once the command runs and STATE/exit once it has ended (128 + n when signal n ended it), each written in one step.
# A container ends with its first process, so what is left of the process group, this script included, is then killed.
state=$1
shift
"$@" &
child=$!
echo "$$ $child" >"$state/pids.new" && mv "$state/pids.new" "$state/pids"
wait "$child"
code=$?
echo "$code" >"$state/exit.new" && mv "$state/exit.new" "$state/exit"
kill -KILL 0
