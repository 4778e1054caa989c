#!/usr/bin/env bash
# A cluster on this machine: starts a server and two workers, runs a program, and ends them all.
#
#     bash examples/cluster/run.sh                         # the example `cluster_thumbnails`
#     bash examples/cluster/run.sh ./program arguments …   # any program that uses a cluster
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v nats-server >/dev/null || { echo 'install nats-server first: apt-get install nats-server'; exit 1; }

if (($# == 0)); then
    cargo build --example cluster_thumbnails --features cluster
    set -- "${CARGO_TARGET_DIR:-target}/debug/examples/cluster_thumbnails"
fi

directory=$(mktemp -d)
started=()
end() {
    ((${#started[@]} == 0)) || kill "${started[@]}" 2>/dev/null || true
    wait
    rm -rf "$directory"
}
trap end EXIT

port=$((20000 + $$ % 20000))
export MP_CLUSTER=nats://127.0.0.1:$port
MP_CLUSTER_TOKEN=$(head -c 24 /dev/urandom | base64)
export MP_CLUSTER_TOKEN
cat >"$directory/server.conf" <<CONFIGURATION
listen: "127.0.0.1:$port"
jetstream { store_dir: "$directory/store" }
authorization { token: "$MP_CLUSTER_TOKEN" }
CONFIGURATION

nats-server -c "$directory/server.conf" 2>"$directory/server.log" &
started+=($!)
for _ in 1 2; do
    MP_ROLE=worker MP_WORKERS=2 "$1" &
    started+=($!)
done
"$@"
