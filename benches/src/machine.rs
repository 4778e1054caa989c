//! Where it was measured, and who took part.

use std::collections::BTreeMap;
use std::fmt;
use std::process::Command;
use std::{fs, thread};

use serde::Serialize;

use crate::python;

/// What a reader needs to know to compare two tables.
#[derive(Serialize)]
pub(crate) struct Machine {
    commit: String,
    kernel: String,
    cpu: String,
    cpus: usize,
    peers: BTreeMap<&'static str, String>,
}

impl Machine {
    pub(crate) fn look() -> Self {
        let mut peers: BTreeMap<_, _> =
            ["postcard", "procspawn", "rayon"].map(|name| (name, locked_version(name))).into();
        peers.insert("CPython", python::version().unwrap_or_else(|error| error.to_string()));
        Self {
            commit: commit(),
            kernel: read("/proc/sys/kernel/osrelease"),
            cpu: cpu_model(),
            cpus: thread::available_parallelism().map_or(0, usize::from),
            peers,
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { commit, kernel, cpu, cpus, peers } = self;
        writeln!(f, "multiprocess {commit}")?;
        writeln!(f, "Linux {kernel}, {cpus} of {cpu}")?;
        let peers: Vec<_> =
            peers.iter().map(|(name, version)| format!("{name} {version}")).collect();
        f.write_str(&peers.join(", "))
    }
}

const UNKNOWN: &str = "unknown";

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

fn commit() -> String {
    let described = Command::new("git")
        .args(["-C", env!("CARGO_MANIFEST_DIR"), "describe", "--always", "--dirty"])
        .output();
    match described {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }
        _ => UNKNOWN.into(),
    }
}

/// The version of a dependency that this program was built with.
fn locked_version(name: &str) -> String {
    let lock = include_str!("../../Cargo.lock");
    let entry = lock.split_once(&format!("name = \"{name}\"\nversion = \""));
    let version = entry.and_then(|(_, rest)| rest.split('"').next());
    version.unwrap_or(UNKNOWN).to_owned()
}
