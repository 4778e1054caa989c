//! The Python interpreters of this machine.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

/// An interpreter and its version, such as (3, 13).
pub(crate) struct Python {
    pub(crate) version: (u32, u32),
    pub(crate) program: String,
}

/// Finds the interpreters, each version once, of which one is 3.8 at least; says which.
pub(crate) fn pythons() -> Vec<Python> {
    let names = (8..=15).map(|minor| format!("python3.{minor}"));
    let names = names.chain(["python3".to_owned()]);
    let found: BTreeMap<_, _> = names.filter_map(|name| Some((version(&name)?, name))).collect();
    let pythons = found.into_iter().filter(|(version, _)| *version >= (3, 8));
    let pythons: Vec<_> = pythons.map(|(version, program)| Python { version, program }).collect();
    let versions: Vec<_> = pythons.iter().map(|python| python.version).collect();
    println!("found Python {versions:?}{}", if versions.is_empty() { ": skipped" } else { "" });
    pythons
}

fn version(program: &str) -> Option<(u32, u32)> {
    let script = "import sys; print(*sys.version_info[:2])";
    let output = Command::new(program).args(["-c", script]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().split_once(' ')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

impl Python {
    /// Runs a script with arguments, and returns its output when it and the resource tracker that
    /// it started have both ended.
    pub(crate) fn run(&self, script: &str, arguments: &[&str]) -> String {
        let mut command = Command::new(&self.program);
        // The tracker keeps the error output open, so to read all of that is to wait for it.
        let output = command.arg("-c").arg(script).args(arguments).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "Python {:?}: {errors}", self.version);
        String::from_utf8(output.stdout).unwrap()
    }

    /// Starts a process that serves commands.
    pub(crate) fn peer(&self) -> Peer {
        let mut command = Command::new(&self.program);
        command.arg("-c").arg(include_str!("../fixtures/peer.py"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().unwrap();
        let commands = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Peer { commands: Some(commands), answers, child }
    }
}

/// A Python process that serves commands.
pub(crate) struct Peer {
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    child: Child,
}

impl Peer {
    /// Calls a function there.
    pub(crate) fn call(&mut self, command: &Value) -> Value {
        writeln!(self.commands.as_mut().unwrap(), "{command}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // The end of its input ends it.
        drop(self.commands.take());
        let _ = self.child.wait();
    }
}
