//! Where it was measured, and who took part.

use std::fmt;
use std::process::Command;
use std::{fs, thread};

use serde::{Deserialize, Serialize};

use crate::python;

/// What a reader needs to know to compare two tables.
#[derive(Serialize, Deserialize)]
pub(crate) struct Machine {
    commit: String,
    kernel: String,
    cpu: String,
    cpus: usize,
    peers: Vec<Peer>,
}

/// One who takes part.
#[derive(Serialize, Deserialize)]
struct Peer {
    name: String,
    version: String,
    /// How it is used where its line does not say otherwise.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    usage: String,
}

/// The crates, and how they are used.
const CRATES: &[(&str, &str)] = &[
    #[cfg(feature = "cluster")]
    ("async-nats", "JetStream, stored in files"),
    ("crossbeam-channel", "bounded"),
    ("iceoryx2", "publish and subscribe over ipc::Service"),
    ("interprocess", "local sockets"),
    ("ipc-channel", "features as they come"),
    ("postcard", "with std"),
    ("procspawn", "Pool with 2 processes"),
    ("raw_sync", ""),
    ("rayon", "a pool of 2 threads"),
    ("redis", "a server of its own that keeps nothing on disk"),
];

/// What Python has of its own; its methods of starting are in the lines of the table.
const PACKAGES: &[&str] = &["loky", "mpire", "pebble", "numpy"];

/// The same, for many machines.
const CLUSTER_PACKAGES: &[&str] =
    if cfg!(feature = "cluster") { &["mpi4py", "ray", "distributed"] } else { &[] };

/// The servers, and what stands before their version in what they say of themselves.
const SERVERS: &[(&str, &str)] = &[
    ("redis-server", "v="),
    #[cfg(feature = "cluster")]
    ("nats-server", "v"),
];

impl Machine {
    pub(crate) fn look() -> Self {
        Self {
            commit: commit(),
            kernel: read("/proc/sys/kernel/osrelease"),
            cpu: cpu_model(),
            cpus: thread::available_parallelism().map_or(0, usize::from),
            peers: peers(),
        }
    }
}

fn peers() -> Vec<Peer> {
    let crates = CRATES.iter().map(|(name, usage)| Peer {
        name: (*name).to_owned(),
        version: locked_version(name),
        usage: (*usage).to_owned(),
    });
    let packages = [PACKAGES, CLUSTER_PACKAGES].concat();
    let python = python::versions(&packages)
        .unwrap_or_else(|error| vec![("CPython".into(), format!("{error:#}"))]);
    let servers = SERVERS.iter().map(|(name, mark)| ((*name).to_owned(), server(name, mark)));
    let others = python.into_iter().chain(servers);
    let others = others.map(|(name, version)| Peer { name, version, usage: String::new() });
    crates.chain(others).collect()
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { commit, kernel, cpu, cpus, peers } = self;
        writeln!(f, "multiprocess {commit}")?;
        writeln!(f, "Linux {kernel}, {cpus} of {cpu}")?;
        for (i, Peer { name, version, usage }) in peers.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(f, "{comma}{name} {version}")?;
            if !usage.is_empty() {
                write!(f, " ({usage})")?;
            }
        }
        Ok(())
    }
}

const UNKNOWN: &str = "unknown";
const MISSING: &str = "missing";

fn read(path: &str) -> String {
    fs::read_to_string(path).map_or_else(|_| UNKNOWN.into(), |text| text.trim().to_owned())
}

fn cpu_model() -> String {
    let info = read("/proc/cpuinfo");
    let model = info.lines().find(|line| line.starts_with("model name"));
    let name = model.and_then(|line| line.split_once(": ")).map(|(_, name)| name);
    // Not every architecture has such a line.
    name.unwrap_or(std::env::consts::ARCH).to_owned()
}

/// What a program prints, if it is there and succeeds.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    output.status.success().then(|| text.trim().to_owned())
}

fn commit() -> String {
    let arguments = ["-C", env!("CARGO_MANIFEST_DIR"), "describe", "--always", "--dirty"];
    output("git", &arguments).unwrap_or_else(|| UNKNOWN.into())
}

fn server(name: &str, mark: &str) -> String {
    let text = output(name, &["--version"]).unwrap_or_default();
    let version = text.split_whitespace().find_map(|word| word.strip_prefix(mark));
    version.unwrap_or(MISSING).to_owned()
}

/// The version of a dependency that this program was built with.
fn locked_version(name: &str) -> String {
    let lock = include_str!("../../Cargo.lock");
    let entry = lock.split_once(&format!("name = \"{name}\"\nversion = \""));
    let version = entry.and_then(|(_, rest)| rest.split('"').next());
    version.unwrap_or(UNKNOWN).to_owned()
}
