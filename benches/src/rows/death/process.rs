//! A process dies: before it begins, for several reasons, and as a parent.

use std::process::{Stdio, abort, exit};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use mp_process::{Function, Process};
use rustix::process::{Signal, getpid, kill_process};

use super::case::{self, Ready, kill, victim};
use super::{python, row};
use crate::row::Row;

pub(super) fn rows() -> Vec<Row> {
    let early = vec![
        case::system("ours", |ready| ours_early(ready).expect("a process")),
        case::system("procspawn", |ready| procspawn_early(ready).expect("a process")),
    ];
    let reasons = vec![
        case::system("ours", |ready| ours_reasons(ready).expect("processes")),
        case::system("procspawn", |ready| procspawn_reasons(ready).expect("processes")),
        python("CPython Process", "death.reasons"),
    ];
    let orphans = vec![
        case::system("ours", |ready| orphan(ready, ours_parent).expect("processes")),
        case::system("procspawn", |ready| orphan(ready, procspawn_parent).expect("processes")),
        python("CPython Process", "death.orphan"),
    ];
    vec![
        row("before-main", "a process ends before its main: what is its parent told?", early),
        row("reasons", "what is told of SIGKILL, of abort and of exit(42)?", reasons),
        row("parent", "a parent is killed: its child", orphans),
    ]
}

/// With this variable the loader prints a help text and exits, and the program never begins.
const LOADER_ONLY: (&str, &str) = ("LD_DEBUG", "help");

fn ours_early(ready: Ready) -> Result<String> {
    let (name, value) = LOADER_ONLY;
    let builder = Process::builder().env(name, value).stdout(mp_process::Stdio::Null);
    ready.say();
    let process = builder.spawn(|| (), ())?;
    Ok(case::outcome(process.join()))
}

fn procspawn_early(ready: Ready) -> Result<String> {
    procspawn::init();
    let (name, value) = LOADER_ONLY;
    let mut builder = procspawn::Builder::new();
    builder.env(name, value).stdout(Stdio::null());
    ready.say();
    Ok(case::outcome(builder.spawn((), |()| ()).join()))
}

/// How a process ends.
fn end(how: u32) {
    match how {
        0 => kill_process(getpid(), Signal::KILL).expect("the right to do so"),
        1 => abort(),
        _ => exit(42),
    }
}

fn ours_reasons(ready: Ready) -> Result<String> {
    ready.say();
    let told = |how: u32| match mp_process::spawn(end, (how,))?.join() {
        Ok(()) => Ok("nothing".to_owned()),
        Err(error) => Ok(error.failure().to_string()),
    };
    Ok((0..3).map(told).collect::<Result<Vec<_>>>()?.join("; "))
}

fn procspawn_reasons(ready: Ready) -> Result<String> {
    procspawn::init();
    ready.say();
    let told = |how: u32| match procspawn::spawn(how, end).join() {
        Ok(()) => "nothing".to_owned(),
        Err(error) => error.to_string(),
    };
    Ok((0..3).map(told).collect::<Vec<_>>().join("; "))
}

/// `parent` starts a child, says its number, and waits to be killed.
fn orphan<F: Function<(Ready, ()), Output = ()>>(ready: Ready, parent: F) -> Result<String> {
    let (parent, child) = victim(parent, ())?;
    kill(&parent)?;
    ready.say();
    for _ in 0..100 {
        if matches!(case::state(child), None | Some('Z')) {
            return Ok("ends".into());
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok("lives on, an orphan".into())
}

fn ours_parent(ready: Ready, (): ()) {
    let child = mp_process::spawn(thread::park, ()).expect("a process");
    ready.say_number(child.pid());
    thread::park();
}

fn procspawn_parent(ready: Ready, (): ()) {
    procspawn::init();
    let child = procspawn::spawn((), |()| thread::park());
    ready.say_number(child.pid().expect("a process"));
    thread::park();
}
