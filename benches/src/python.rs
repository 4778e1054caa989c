//! CPython as a peer: a script that times itself, and is told when.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/peer.py");

/// A Python process with one thing to measure.
pub(crate) struct Python {
    process: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Python {
    /// Starts the script and lets it set up what `arguments` name.
    pub(crate) fn new(arguments: &[&str]) -> Result<Self> {
        let mut process = Command::new("python3")
            .arg(SCRIPT)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("python3")?;
        let orders = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().context("its output")?);
        Ok(Self { process, orders, answers })
    }

    /// Lets the script measure once; it answers in seconds.
    pub(crate) fn seconds(&mut self) -> Result<f64> {
        self.orders.as_mut().context("its input")?.write_all(b"\n").context("python3 has ended")?;
        let mut answer = String::new();
        ensure!(self.answers.read_line(&mut answer)? > 0, "python3 has ended");
        let answer = answer.trim();
        answer.parse().or_else(|_| bail!("{answer}"))
    }
}

impl Drop for Python {
    /// The end of its input ends the script.
    fn drop(&mut self) {
        drop(self.orders.take());
        let _ = self.process.wait();
    }
}

/// The version of CPython, if there is one.
pub(crate) fn version() -> Result<String> {
    let output = Command::new("python3").arg("--version").output().context("missing")?;
    let text = String::from_utf8(output.stdout)?;
    Ok(text.trim().trim_start_matches("Python ").to_owned())
}
