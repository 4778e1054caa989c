//! Python as a peer: a script that times itself, and is told when.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, Signal, WaitOptions, kill_process_group, test_kill_process_group, waitpgid,
};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/python/peer.py");

/// Names another interpreter, such as that of a virtual environment with the peers in it.
const INTERPRETER: &str = "MP_BENCH_PYTHON";

/// After so long without an answer, the script is said to hang.
const PATIENCE: Duration = Duration::from_secs(25);

/// So long may its helpers take to clean up after it.
const GRACE: Duration = Duration::from_secs(2);

/// A Python process with one thing to measure, in a process group of its own.
pub(crate) struct Python {
    process: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    /// It did not answer in time.
    hangs: bool,
}

impl Python {
    /// Starts the script and lets it set up what `arguments` name.
    pub(crate) fn new(arguments: &[&str]) -> Result<Self> {
        let mut process = interpreter()
            .args(["-B", SCRIPT])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .context("python3")?;
        let orders = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().context("its output")?);
        Ok(Self { process, orders, answers, hangs: false })
    }

    /// Lets the script measure once; it answers in seconds.
    pub(crate) fn seconds(&mut self) -> Result<f64> {
        let words = self.words()?;
        words.parse().with_context(|| format!("no number of seconds: {words}"))
    }

    /// Lets the script do what it is for once; it answers in words.
    pub(crate) fn words(&mut self) -> Result<String> {
        let answer = self.words_within(PATIENCE)?;
        answer.with_context(|| format!("it hung: killed after {} s", PATIENCE.as_secs()))
    }

    /// As [`words`](Self::words), or `None` if there is no answer in time.
    pub(crate) fn words_within(&mut self, patience: Duration) -> Result<Option<String>> {
        self.orders.as_mut().context("its input")?.write_all(b"\n").context("python3 has ended")?;
        // The script writes whole lines.
        let mut answers = [PollFd::new(self.answers.get_ref(), PollFlags::IN)];
        self.hangs = poll(&mut answers, Some(&Timespec::try_from(patience)?))? == 0;
        if self.hangs {
            return Ok(None);
        }
        let mut answer = String::new();
        ensure!(self.answers.read_line(&mut answer)? > 0, "python3 has ended");
        let answer = answer.trim();
        if let Some(failure) = answer.strip_prefix('!') {
            bail!("{failure}");
        }
        Ok(Some(answer.to_owned()))
    }
}

impl Drop for Python {
    /// The end of its input ends the script, unless it hangs. SIGTERM ends everybody else of its
    /// group but the one that unlinks the others' names, which waits for their end.
    fn drop(&mut self) {
        drop(self.orders.take());
        let group = Pid::from_child(&self.process);
        if !self.hangs {
            within(GRACE, || !matches!(self.process.try_wait(), Ok(None)));
        }
        let _ = kill_process_group(group, Signal::TERM);
        if !within(GRACE, || is_gone(group)) {
            let _ = kill_process_group(group, Signal::KILL);
            within(GRACE, || is_gone(group));
        }
    }
}

/// Whether nobody of the group is left. Who is dead belongs to it until somebody waits for him: for
/// orphans, which this process has adopted, nobody else does.
fn is_gone(group: Pid) -> bool {
    while let Ok(Some(_)) = waitpgid(group, WaitOptions::NOHANG) {}
    test_kill_process_group(group).is_err()
}

/// Looks until `done` says yes, but no longer than that; returns whether it did.
fn within(patience: Duration, mut done: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + patience;
    loop {
        if done() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// The interpreter: `python3`, or what the environment says.
fn interpreter() -> Command {
    Command::new(std::env::var_os(INTERPRETER).unwrap_or_else(|| "python3".into()))
}

/// The versions of CPython and of those of `packages` that it has.
pub(crate) fn versions(packages: &[&str]) -> Result<Vec<(String, String)>> {
    let output = interpreter().args(["-c", VERSIONS]).args(packages).output().context("missing")?;
    let text = String::from_utf8(output.stdout)?;
    let pairs = text.lines().filter_map(|line| line.split_once(' '));
    Ok(pairs.map(|(name, version)| (name.to_owned(), version.to_owned())).collect())
}

const VERSIONS: &str = "\
import platform, sys
from importlib.metadata import version, PackageNotFoundError
print(platform.python_implementation(), platform.python_version())
for name in sys.argv[1:]:
    try:
        print(name, version(name))
    except PackageNotFoundError:
        print(name, 'missing')
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::adopt_orphans;

    #[test]
    fn dead_orphans_do_not_keep_their_group() -> Result<()> {
        adopt_orphans()?;
        let mut shell =
            Command::new("sh").args(["-c", "sleep 100 & exit 0"]).process_group(0).spawn()?;
        let group = Pid::from_child(&shell);
        shell.wait()?;
        assert!(!is_gone(group), "the orphan sleeps");
        kill_process_group(group, Signal::KILL)?;
        assert!(within(Duration::from_secs(60), || is_gone(group)));
        Ok(())
    }
}
