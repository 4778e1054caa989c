//! Starting a process that does nothing, and joining it.

mod fork;
mod tiny;
mod zygote;

use std::env;
use std::process::Command;

use anyhow::{Result, ensure};
use mp_process::Context;

use self::zygote::Zygote;
use super::{python, seconds};
use crate::EXIT;
use crate::row::{Better, Row, Scale, System};

const MS: f64 = 1e3;
const GIB: usize = 1 << 30;

pub(crate) fn rows(scale: Scale) -> Vec<Row> {
    let small = row(scale, "start", "start and join an empty function", 0);
    let large =
        row(scale, "start-1gib", "the same, with 1 GiB of heap in the parent", scale.of(GIB));
    vec![small, large]
}

fn row(scale: Scale, name: &str, about: &str, ballast: usize) -> Row {
    let count = scale.of(40);
    let mut systems =
        vec![repeated("ours", count, || Ok(mp_process::spawn(|| (), ())?.join()?)), forked(count)];
    systems.extend(limits(scale, ballast));
    systems.push(repeated("procspawn", count, || Ok(procspawn::spawn((), |()| ()).join()?)));
    let methods = [
        ("CPython spawn", "process.spawn", 3),
        ("CPython fork", "process.fork", after_copy(20, ballast)),
        ("CPython forkserver", "process.forkserver", 8),
    ];
    systems.extend(methods.map(|(name, what, count)| {
        let count = scale.of(count);
        python(name, what, [count, ballast], move |seconds| seconds * MS / count as f64)
    }));
    Row {
        name: name.into(),
        about: about.into(),
        unit: "ms",
        better: Better::Lower,
        ballast,
        systems,
    }
}

/// A server of this row's own, which is there once the first child is.
fn forked(count: usize) -> System {
    System::new("ours, fork server", move || {
        let context = Context::fork_server();
        let once = move || Ok(context.spawn(|| (), ())?.join()?);
        once()?;
        Ok(each(count, once))
    })
}

fn limits(scale: Scale, ballast: usize) -> Vec<System> {
    let count = scale.of(40);
    let tiny_count = scale.of(200);
    vec![
        limit("bare Command of this program", count, || Ok(bare)),
        limit("bare Command, 150 bytes", tiny_count, tiny::program),
        limit("bare fork", scale.of(after_copy(100, ballast)), || Ok(fork::fork_and_wait)),
        limit("bare fork of a zygote", tiny_count, || {
            let mut zygote = Zygote::new()?;
            Ok(move || zygote.fork())
        }),
    ]
}

/// How many forks to measure: each copies the page tables of the whole heap.
fn after_copy(count: usize, ballast: usize) -> usize {
    if ballast > 0 { count / 20 } else { count }
}

fn repeated(name: &'static str, count: usize, once: fn() -> Result<()>) -> System {
    System::new(name, move || Ok(each(count, once)))
}

/// A limit whose `setup` makes what starts a process and joins it.
fn limit<F: FnMut() -> Result<()> + 'static>(
    name: &'static str,
    count: usize,
    setup: impl FnOnce() -> Result<F> + 'static,
) -> System {
    System::limit(name, move || Ok(each(count, setup()?)))
}

fn each(count: usize, mut once: impl FnMut() -> Result<()>) -> impl FnMut() -> Result<f64> {
    move || {
        let total = seconds(|| (0..count).try_for_each(|_| once()))?;
        Ok(total * MS / count as f64)
    }
}

/// This same program, so that the loader has the same to do.
fn bare() -> Result<()> {
    let status = Command::new(env::current_exe()?).arg(EXIT).status()?;
    ensure!(status.success(), "it {status}");
    Ok(())
}
