//! The Python interpreters of this machine.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// An interpreter, and its version.
pub(crate) struct Python {
    path: PathBuf,
    pub(crate) version: (u32, u32),
}

/// Returns one interpreter of each version of 3.8 or later that is found.
pub(crate) fn interpreters() -> Vec<Python> {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let versions = home.join(".pyenv/versions").read_dir().into_iter().flatten().flatten();
    let candidates = versions
        .map(|version| version.path().join("bin/python3"))
        .chain((8..=15).map(|minor| format!("python3.{minor}").into()))
        .chain(["python3".into()]);
    let mut found = BTreeMap::new();
    for path in candidates {
        if let Some(version) = version_of(&path).filter(|version| *version >= (3, 8)) {
            found.entry(version).or_insert(path);
        }
    }
    found.into_iter().map(|(version, path)| Python { path, version }).collect()
}

fn version_of(python: &PathBuf) -> Option<(u32, u32)> {
    let script = "import sys; print(*sys.version_info[:2])";
    let output = Command::new(python).args(["-c", script]).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().split_once(' ')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// A script that runs, killed when dropped.
pub(crate) struct Script {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Python {
    pub(crate) fn run(&self, script: &str, arguments: &[&str]) -> Script {
        let mut child = Command::new(&self.path)
            .args(["-c", script])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Script { child, lines }
    }
}

impl Script {
    /// Returns the next line that it prints.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Waits for the end, which must be a good one.
    pub(crate) fn finish(mut self) {
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
