//! One question, and those who answer it.

use anyhow::Result;
use serde::Serialize;

/// One question. The first of the systems is ours: the others are compared with it.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) unit: &'static str,
    pub(crate) better: Better,
    /// So many bytes of touched heap does this process have meanwhile.
    pub(crate) ballast: usize,
    pub(crate) systems: Vec<System>,
}

/// Which of two results is the better one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Better {
    Lower,
    Higher,
}

/// Measures once, in the unit of the row.
pub(crate) type Measure = Box<dyn FnMut() -> Result<f64>>;

/// One who answers.
pub(crate) struct System {
    pub(crate) name: &'static str,
    /// Makes what is measured, such as a pool. It lives until the row is done.
    pub(crate) setup: Box<dyn FnOnce() -> Result<Measure>>,
}

impl System {
    pub(crate) fn new<M>(name: &'static str, setup: impl FnOnce() -> Result<M> + 'static) -> Self
    where
        M: FnMut() -> Result<f64> + 'static,
    {
        Self { name, setup: Box::new(|| Ok(Box::new(setup()?))) }
    }
}

/// How much of everything is measured at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    pub(crate) quick: bool,
}

impl Scale {
    /// How many of `full` to do.
    pub(crate) fn of(self, full: usize) -> usize {
        if self.quick { full.div_ceil(10) } else { full }
    }
}
