//! Starting a process that does nothing, and joining it.

use std::env;
use std::process::Command;

use anyhow::{Result, ensure};

use super::{python, seconds};
use crate::EXIT;
use crate::row::{Better, Row, Scale, System};

const MS: f64 = 1e3;
const GIB: usize = 1 << 30;

pub(crate) fn rows(scale: Scale) -> Vec<Row> {
    let small = row(scale, "start", "start and join an empty function", 0);
    let large = row(scale, "start-1gib", "the same, with 1 GiB of heap in the parent", GIB);
    vec![small, large]
}

fn row(scale: Scale, name: &str, about: &str, ballast: usize) -> Row {
    let count = scale.of(40);
    let python_count = scale.of(5);
    Row {
        name: name.into(),
        about: about.into(),
        unit: "ms",
        better: Better::Lower,
        ballast,
        systems: vec![
            repeated("ours", count, || Ok(mp_process::spawn(|| (), ())?.join()?)),
            repeated("bare Command, exit at once", count, bare),
            repeated("procspawn", count, || Ok(procspawn::spawn((), |()| ()).join()?)),
            python("CPython spawn", "start", [python_count, ballast], move |seconds| {
                seconds * MS / python_count as f64
            }),
        ],
    }
}

fn repeated(name: &'static str, count: usize, once: fn() -> Result<()>) -> System {
    System::new(name, move || {
        Ok(move || {
            let total = seconds(|| (0..count).try_for_each(|_| once()))?;
            Ok(total * MS / count as f64)
        })
    })
}

/// This same program, so that the loader has the same to do.
fn bare() -> Result<()> {
    let status = Command::new(env::current_exe()?).arg(EXIT).status()?;
    ensure!(status.success(), "it {status}");
    Ok(())
}
