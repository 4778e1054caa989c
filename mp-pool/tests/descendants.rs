//! A task that runs for too long takes with it all that it has started.
#![allow(clippy::zombie_processes, reason = "the pool is to end what tasks leave behind")]

mod common;
#[path = "common/processes.rs"]
mod processes;

use std::io::{BufRead, BufReader, PipeWriter, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;
use std::{io, thread};

use common::Watchdog;
use mp_handle::Descriptor;
use mp_pool::{Pool, TaskErrorKind};
use mp_process::Function;
use processes::wait_for_state;

/// Where a task says whom it has started.
type Report = Descriptor;

fn open(report: Report) -> PipeWriter {
    PipeWriter::from(report.into_owned().unwrap())
}

fn park() -> ! {
    loop {
        thread::park();
    }
}

/// Runs `task` until its time is over, and returns when all that it has reported are gone.
fn outlives_nobody<F: Function<(Report,), Output = ()>>(task: F) {
    let pool = Pool::new(1).unwrap();
    let (mut limit, mut pids) = (Duration::from_millis(500), Vec::new());
    // On a busy machine the time may be over before it has started anything.
    while pids.is_empty() {
        let (reader, writer) = io::pipe().unwrap();
        let report = Descriptor::from(OwnedFd::from(writer));
        let result = pool.task(task).deadline(limit).apply_async((report,));
        // The pool has encoded the descriptor and holds it until the task has ended.
        assert!(matches!(result.get().unwrap_err().kind, TaskErrorKind::TimedOut { .. }));
        pids = BufReader::new(reader).lines().map(|line| line.unwrap().parse().unwrap()).collect();
        limit *= 2;
    }
    for pid in pids {
        wait_for_state(pid, None);
    }
    assert_eq!(pool.apply(|| 7, ()), Ok(7));
}

#[mp_process::test]
fn a_deadline_takes_the_children_of_the_task() {
    let _watchdog = Watchdog::new("a_deadline_takes_the_children_of_the_task");
    fn task(report: Report) {
        let child = Command::new("sleep").arg("300").spawn().unwrap();
        writeln!(open(report), "{}", child.id()).unwrap();
        park();
    }
    outlives_nobody(task);
}

#[mp_process::test]
fn a_deadline_takes_children_that_have_left_the_group() {
    let _watchdog = Watchdog::new("a_deadline_takes_children_that_have_left_the_group");
    fn task(report: Report) {
        let child = Command::new("sleep").arg("300").process_group(0).spawn().unwrap();
        let session = Command::new("setsid").args(["sleep", "300"]).spawn().unwrap();
        writeln!(open(report), "{}\n{}", child.id(), session.id()).unwrap();
        park();
    }
    outlives_nobody(task);
}

#[mp_process::test]
fn a_deadline_takes_grandchildren() {
    let _watchdog = Watchdog::new("a_deadline_takes_grandchildren");
    /// The shell of another group starts one, and says who it is.
    fn below_the_child(report: Report) {
        let script = "sleep 300 & echo $!; wait";
        let mut shell = Command::new("sh");
        shell.args(["-c", script]).process_group(0).stdout(open(report)).spawn().unwrap();
        // It has a copy of the pipe.
        drop(shell);
        park();
    }
    outlives_nobody(below_the_child);
}

#[mp_process::test]
fn a_deadline_takes_orphans_of_the_group() {
    let _watchdog = Watchdog::new("a_deadline_takes_orphans_of_the_group");
    /// The shell ends at once, and leaves its child to whoever takes it up.
    fn orphan(report: Report) {
        let mut shell = Command::new("sh");
        shell.args(["-c", "sleep 300 & echo $!"]).stdout(open(report));
        shell.status().unwrap();
        drop(shell);
        park();
    }
    outlives_nobody(orphan);
}

#[mp_process::test]
fn a_deadline_ends_a_task_that_starts_processes_all_the_time() {
    let _watchdog = Watchdog::new("a_deadline_ends_a_task_that_starts_processes_all_the_time");
    fn storm(report: Report) {
        let mut report = open(report);
        let mut children = Vec::new();
        loop {
            let child = Command::new("sleep").arg("300").process_group(0).spawn().unwrap();
            writeln!(report, "{}", child.id()).unwrap();
            children.push(child);
            if children.len() > 100 {
                let mut oldest = children.remove(0);
                oldest.kill().unwrap();
                oldest.wait().unwrap();
            }
        }
    }
    outlives_nobody(storm);
}

#[mp_process::test]
fn termination_takes_the_group_of_each_worker() {
    let _watchdog = Watchdog::new("termination_takes_the_group_of_each_worker");
    fn start_one() -> u32 {
        Command::new("sleep").arg("300").spawn().unwrap().id()
    }
    let pool = Pool::new(2).unwrap();
    let pids = pool.task(|_: u32| start_one()).chunk_size(1).map(0..4).unwrap();
    pool.terminate();
    pids.into_iter().for_each(|pid| wait_for_state(pid, None));
}
