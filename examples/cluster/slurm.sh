#!/usr/bin/env bash
#SBATCH --job-name=cluster
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --time=01:00:00
#
# Slurm starts the workers, one for each node, and the program on the first node, where the server is.
#
#     sbatch examples/cluster/slurm.sh ./program arguments …
#
# It needs nats-server (one static file) and openssl on the first node, and a directory that all
# nodes see, from which this is submitted. `sbatch --array=1-8 -n1 --wrap "…"` with the same
# variables adds workers to a job that runs.
set -euo pipefail

head=$(hostname -f)
secrets=$(mktemp -d "$PWD/.cluster-XXXXXX")
chmod 700 "$secrets"
store=${TMPDIR:-/tmp}/nats-$SLURM_JOB_ID
started=()
end() {
    # This reaches the workers, and not this script: they end in order, and srun with them.
    scancel --signal=TERM "$SLURM_JOB_ID" || true
    ((${#started[@]} < 2)) || wait "${started[1]}" || true
    kill "${started[@]}" 2>/dev/null || true
    wait || true
    rm -rf "$secrets" "$store"
}
trap end EXIT

# A certificate for this job alone: what nodes say to each other is nobody else's business.
openssl req -x509 -newkey ed25519 -nodes -days 2 -subj "/CN=$head" -addext "subjectAltName=DNS:$head" \
    -addext 'basicConstraints=critical,CA:FALSE' -keyout "$secrets/key.pem" -out "$secrets/ca.pem" 2>/dev/null
export MP_CLUSTER=tls://$head:4222
export MP_CLUSTER_CA=$secrets/ca.pem
MP_CLUSTER_TOKEN=$(openssl rand -base64 24)
export MP_CLUSTER_TOKEN
cat >"$secrets/server.conf" <<CONFIGURATION
listen: "0.0.0.0:4222"
tls { cert_file: "$secrets/ca.pem", key_file: "$secrets/key.pem" }
jetstream { store_dir: "$store" }
authorization { token: "$MP_CLUSTER_TOKEN" }
ping_interval: "2s"
ping_max: 2
CONFIGURATION
nats-server -c "$secrets/server.conf" 2>"$secrets/server.log" &
started+=($!)

# A node that is lost costs a lease, not the job: `-K0` keeps the others. Since Slurm 22.05 srun has
# to be told the number of processors once more.
MP_ROLE=worker MP_WORKERS=$SLURM_CPUS_PER_TASK \
    srun -K0 --export=ALL --cpus-per-task="$SLURM_CPUS_PER_TASK" "$1" &
started+=($!)
"$@"
