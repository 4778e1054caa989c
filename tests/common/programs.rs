//! Runs examples as a user would, and reads what they print.

use std::env;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// Far beyond what any example needs: only one that hangs meets it.
const WATCHDOG: Duration = Duration::from_secs(300);

/// What an example that succeeds prints.
pub(crate) fn output_of(example: &str) -> String {
    output_with(example, &[])
}

pub(crate) fn output_with(example: &str, arguments: &[&OsStr]) -> String {
    let mut command = Command::new(path_of(example));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("the example starts");
    let watchdog = watchdog(&child);
    let output = child.wait_with_output().expect("the example's output can be read");
    drop(watchdog);
    let [stdout, stderr] = [output.stdout, output.stderr].map(String::from_utf8);
    let (stdout, stderr) = (stdout.expect("text"), stderr.expect("text"));
    assert!(output.status.success(), "{example}: {}\n{stdout}\n{stderr}", output.status);
    stdout
}

/// Kills the process, unless what is returned is dropped before.
pub(crate) fn watchdog(process: &Child) -> Sender<()> {
    let pid = Pid::from_child(process);
    let (over, alarm) = mpsc::channel();
    thread::spawn(move || {
        // Nobody sends anything.
        if alarm.recv_timeout(WATCHDOG) == Err(RecvTimeoutError::Timeout) {
            let _ = kill_process(pid, Signal::KILL);
        }
    });
    over
}

/// Cargo puts examples into a directory beside that of the tests.
pub(crate) fn path_of(example: &str) -> PathBuf {
    let test = env::current_exe().expect("this test has a path");
    let profile = test.ancestors().nth(2).expect("tests are in target/<profile>/deps");
    let path = profile.join("examples").join(example);
    assert!(path.exists(), "{} is missing: run `cargo build --examples`", path.display());
    path
}

/// The rest of each line that begins so.
pub(crate) fn after<'a>(output: &'a str, start: &str) -> Vec<&'a str> {
    output.lines().filter_map(|line| line.strip_prefix(start)).collect()
}

/// The rest of the one line that begins so.
pub(crate) fn only<'a>(output: &'a str, start: &str) -> &'a str {
    match after(output, start)[..] {
        [rest] => rest,
        _ => panic!("not exactly one line begins with {start:?} in\n{output}"),
    }
}
