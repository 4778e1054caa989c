//! The questions.

#[cfg(feature = "cluster")]
mod cluster;
mod codec;
mod death;
mod kill;
mod manager;
mod memory;
mod pipe;
mod pool;
mod queue;
mod shm;
mod start;
mod sync;

use std::time::Instant;

use anyhow::Result;

use crate::python::Python;
use crate::row::{Row, Scale, System};

/// All of them with the group that each belongs to, in the order of the table. Nothing is set up
/// yet.
pub(crate) fn all(scale: Scale) -> Vec<(&'static str, Row)> {
    let groups = [
        ("start", start::rows(scale)),
        ("pool", pool::rows(scale)),
        ("kill", kill::rows(scale)),
        ("death", death::rows(scale)),
        ("sync", sync::rows(scale)),
        ("queue", queue::rows(scale)),
        ("pipe", pipe::rows(scale)),
        ("shm", shm::rows(scale)),
        ("manager", manager::rows(scale)),
        ("memory", memory::rows(scale)),
        ("codec", codec::rows(scale)),
    ];
    #[cfg(feature = "cluster")]
    let groups = groups.into_iter().chain([("cluster", cluster::rows(scale))]);
    let named = |(group, rows): (&'static str, Vec<Row>)| rows.into_iter().map(move |r| (group, r));
    groups.into_iter().flat_map(named).collect()
}

/// The seconds that `body` takes.
fn seconds(body: impl FnOnce() -> Result<()>) -> Result<f64> {
    let begin = Instant::now();
    body()?;
    Ok(begin.elapsed().as_secs_f64())
}

/// The Python peer `what`, as in `pool.map_`; `convert` makes the unit of the row from its seconds.
fn python(
    name: impl Into<String>,
    what: &'static str,
    numbers: impl IntoIterator<Item = usize>,
    convert: impl Fn(f64) -> f64 + 'static,
) -> System {
    let numbers: Vec<String> = numbers.into_iter().map(|number| number.to_string()).collect();
    System::new(name, move || {
        let arguments: Vec<&str> =
            [what].into_iter().chain(numbers.iter().map(String::as_str)).collect();
        let mut python = Python::new(&arguments)?;
        Ok(move || python.seconds().map(&convert))
    })
}
