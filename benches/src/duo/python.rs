//! CPython's pairs: `python/duo.py` is for them what this folder is for us.

use anyhow::Result;

use super::{Pace, Places, Unit};
use crate::python::Python;
use crate::row::System;

/// The CPython peer `what`, where two processes are at work at `places`; it is given the length
/// of a sample, both places and the `rest`.
pub(crate) fn python_pair(
    name: &str,
    what: &'static str,
    pace: Pace,
    places: impl FnOnce() -> Result<Places> + 'static,
    rest: impl IntoIterator<Item = usize> + 'static,
    unit: Unit,
) -> System {
    System::new(name, move || {
        let Places { here, there } = places()?;
        let numbers = [pace.millis(), here.code(), there.code()].into_iter().chain(rest);
        let numbers: Vec<String> = numbers.map(|number| number.to_string()).collect();
        let arguments: Vec<&str> =
            [what].into_iter().chain(numbers.iter().map(String::as_str)).collect();
        let mut python = Python::new(&arguments)?;
        Ok(move || python.seconds().map(&unit))
    })
}
