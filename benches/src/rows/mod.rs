//! The questions.

mod codec;
mod kill;
mod pool;
mod start;

use std::time::Instant;

use anyhow::Result;

use crate::python::Python;
use crate::row::{Row, Scale, System};

/// All of them, in the order of the table. Nothing is set up yet.
pub(crate) fn all(scale: Scale) -> Vec<Row> {
    let rows = [start::rows(scale), codec::rows(scale), pool::rows(scale), kill::rows()];
    rows.into_iter().flatten().collect()
}

/// The seconds that `body` takes.
fn seconds(body: impl FnOnce() -> Result<()>) -> Result<f64> {
    let begin = Instant::now();
    body()?;
    Ok(begin.elapsed().as_secs_f64())
}

/// The CPython peer `what`; `convert` makes the unit of the row from its seconds.
fn python(
    name: &'static str,
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
