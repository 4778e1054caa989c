//! A process is killed by SIGKILL where it hurts: what becomes of the others?
//!
//! The answers are words. `goes on` is what one wants; an error that says what happened is the
//! next best; what hangs is killed when it has not moved for two seconds.

mod case;
mod channel;
mod lock;
mod process;
mod queue;
mod worker;

use std::time::Duration;

use crate::python::Python;
use crate::row::{Better, Row, Scale, System};

/// After so long without an answer, a system is said to hang.
const PATIENCE: Duration = Duration::from_secs(2);
const HANGS: &str = "hangs";
const GOES_ON: &str = "goes on";

pub(crate) fn rows(_: Scale) -> Vec<Row> {
    let rows = [lock::rows(), channel::rows(), worker::rows(), process::rows()];
    rows.into_iter().flatten().collect()
}

fn row(name: &str, about: &str, systems: Vec<System>) -> Row {
    let (name, about) = (format!("death-{name}"), about.into());
    Row { name, about, unit: "", better: Better::Lower, ballast: 0, systems }
}

/// A system of CPython; the first answer of the function says that somebody is dead now.
fn python(name: &'static str, what: &'static str) -> System {
    System::verdict(name, move || {
        let mut python = Python::new(&[what])?;
        python.words()?;
        Ok(python.words_within(PATIENCE)?.unwrap_or_else(|| HANGS.into()))
    })
}
