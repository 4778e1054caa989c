//! Each example is run as a user would run it, and must print what it promises.
#![cfg(feature = "pool")]

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio, id};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// Far beyond what any example needs: only one that hangs meets it.
const WATCHDOG: Duration = Duration::from_secs(300);

/// 0² + 1² + … + 9,999,999², which is larger than a `u64` can hold.
const SUM_OF_SQUARES: u128 = 333_333_283_333_335_000_000;

/// What an example that succeeds prints.
fn output_of(example: &str) -> String {
    output_with(example, &[])
}

fn output_with(example: &str, arguments: &[&OsStr]) -> String {
    let mut command = Command::new(path_of(example));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("the example starts");
    let pid = Pid::from_child(&child);
    let (over, alarm) = mpsc::channel::<()>();
    let watchdog = thread::spawn(move || {
        // Nobody sends anything; the sender is dropped when the example has ended.
        if alarm.recv_timeout(WATCHDOG) == Err(RecvTimeoutError::Timeout) {
            let _ = kill_process(pid, Signal::KILL);
        }
    });
    let output = child.wait_with_output().expect("the example's output can be read");
    drop(over);
    watchdog.join().expect("the watchdog does not panic");
    let [stdout, stderr] = [output.stdout, output.stderr].map(String::from_utf8);
    let (stdout, stderr) = (stdout.expect("text"), stderr.expect("text"));
    assert!(output.status.success(), "{example}: {}\n{stdout}\n{stderr}", output.status);
    stdout
}

/// Cargo puts examples into a directory beside that of the tests.
fn path_of(example: &str) -> PathBuf {
    let test = env::current_exe().expect("this test has a path");
    let profile = test.ancestors().nth(2).expect("tests are in target/<profile>/deps");
    let path = profile.join("examples").join(example);
    assert!(path.exists(), "{} is missing: run `cargo build --examples`", path.display());
    path
}

/// The rest of each line that begins so.
fn after<'a>(output: &'a str, start: &str) -> Vec<&'a str> {
    output.lines().filter_map(|line| line.strip_prefix(start)).collect()
}

/// The rest of the one line that begins so.
fn only<'a>(output: &'a str, start: &str) -> &'a str {
    match after(output, start)[..] {
        [rest] => rest,
        _ => panic!("not exactly one line begins with {start:?} in\n{output}"),
    }
}

#[multiprocess::test]
fn one_process_prints_each_line_once() {
    let output = output_of("one_process");
    assert_eq!(output, "Process is running\nWorker: 1\nWorker process\n");
}

#[multiprocess::test]
fn many_processes_have_pids_of_their_own_and_exit_well() {
    let output = output_of("many_processes");
    let parent = only(&output, "parent in pid ");
    let workers: BTreeMap<_, _> = after(&output, "worker ")
        .into_iter()
        .map(|line| line.split_once(" in pid ").expect("a number and a pid"))
        .collect();
    assert_eq!(workers.keys().copied().collect::<Vec<_>>(), ["0", "1", "2"]);
    let pids: BTreeSet<_> = workers.values().copied().chain([parent]).collect();
    assert_eq!(pids.len(), 4, "{output}");
    let ended = after(&output, "Process-");
    assert_eq!(ended, [1, 2, 3].map(|n| format!("{n} exited with code 0")));
    assert_eq!(output.lines().count(), 7);
}

#[multiprocess::test]
fn an_unguarded_start_is_refused_in_parent_and_child() {
    let output = output_of("unguarded_start");
    let refused = after(&output, "refused: ");
    assert_eq!(refused.len(), 2, "one main of the parent, and one of its child: {output}");
    assert!(refused.iter().all(|text| text.contains("before init")), "{output}");
    assert_eq!(after(&output, "children: "), ["0", "0"]);
    assert!(only(&output, "refused in the child: ").contains("before init"));
    assert!(only(&output, "the parent is told: ").contains("before it reached init"));
}

#[multiprocess::test]
fn processes_compute_what_threads_compute() {
    let output = output_of("threads_and_processes");
    for core in 1..=4 {
        let sum = only(&output, &format!("Core-{core} finished: "));
        assert_eq!(sum.parse(), Ok(SUM_OF_SQUARES));
    }
    for kind in ["Threading: ", "Multiprocessing: "] {
        let seconds = only(&output, kind).strip_suffix('s').expect("a number of seconds");
        assert!(seconds.parse::<f64>().expect("a number") > 0.0);
    }
}

#[multiprocess::test]
fn what_a_child_did_is_there_after_join() {
    assert_eq!(output_of("join_waits"), "lines after join: 10000\n");
}

#[multiprocess::test]
fn what_a_child_does_to_its_memory_stays_there() {
    assert_eq!(output_of("memory_is_not_shared"), "child: 100\nparent: 5\n");
}

#[multiprocess::test]
fn two_processes_compute_at_the_same_time() {
    let output = output_of("real_parallelism");
    // The example fails unless the two overlap.
    only(&output, "overlap: ");
    let processors = only(&output, "processors: ");
    let (cpus, all) = processors.split_once(" of ").expect("a number of processors");
    let (one, two) = cpus.split_once(" and ").expect("two processors");
    assert!(one != two || all == "1", "{output}");
}

#[multiprocess::test]
fn a_pool_has_a_worker_for_each_processor() {
    let output = output_of("pool_size");
    let processors = only(&output, "processors: ").parse();
    assert_eq!(processors, Ok(multiprocess::cpu_count()));
    assert!(multiprocess::cpu_count() >= 1);
    assert_eq!(only(&output, "workers: ").parse(), processors);
}

#[multiprocess::test]
fn nothing_is_left_of_a_pool() {
    let output = output_of("nothing_left_behind");
    assert_eq!(only(&output, "squares: "), "[1, 4, 9, 16]");
    assert_eq!(only(&output, "children with the pool: "), "2");
    assert_eq!(only(&output, "children after it: "), "0");
    assert_eq!(only(&output, "files in /dev/shm after it: "), "0");
    let files = only(&output, "open files before and after: ");
    let (before, after) = files.split_once(", ").expect("two numbers");
    assert_eq!(before, after);
}

#[multiprocess::test]
fn every_photograph_comes_out_whatever_becomes_of_the_workers() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("thumbnails-{}", id()));
    let [input, output] = ["photographs", "thumbnails"].map(|name| folder.join(name));
    fs::create_dir_all(&input).expect("there is room");
    // Small ones: without optimization, decoders are slow.
    for name in ["camera.png", "chelsea.png", "rocket.jpg"] {
        let photo = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/photos").join(name);
        fs::copy(photo, input.join(name)).expect("there is room");
    }
    let options = ["--chaos", "--with-traps", "--input", "--output"].map(OsStr::new);
    let [chaos, traps, from, to] = options;
    let arguments = [chaos, traps, from, input.as_ref(), to, output.as_ref()];
    let report = output_with("thumbnails", &arguments);
    assert_eq!(report.matches("as designed: ").count(), 3, "{report}");
    assert!(only(&report, "chaos: ").ends_with(", 3 of 3 photographs out"), "{report}");
    let files = fs::read_dir(&output).expect("the folder exists").count();
    assert_eq!(files, 4, "three thumbnails and the sheet");
    fs::remove_dir_all(folder).expect("nobody else is there");
}
