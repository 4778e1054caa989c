//! One question, and those who answer it.

use anyhow::{Result, anyhow};
use serde::{Deserialize, Serialize};

/// One question. The first of the systems is ours: the others are compared with it.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) about: String,
    /// Empty where the answers are words.
    pub(crate) unit: &'static str,
    pub(crate) better: Better,
    /// So many bytes of touched heap does this process have meanwhile.
    pub(crate) ballast: usize,
    pub(crate) systems: Vec<System>,
}

/// Which of two results is the better one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Better {
    Lower,
    Higher,
}

impl Better {
    /// How many times better `ours` is.
    pub(crate) fn advantage(self, ours: f64, theirs: f64) -> f64 {
        match self {
            Self::Lower => theirs / ours,
            Self::Higher => ours / theirs,
        }
    }
}

/// What a system is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// Ours, or another that one could take for the same work.
    Contender,
    /// The bare mechanism without anything around it: nobody can be faster by it.
    Limit,
    /// Threads of one process: what one would take if processes were not needed.
    Ceiling,
}

/// Measures once, in the unit of the row.
pub(crate) type Measure = Box<dyn FnMut() -> Result<f64>>;

/// One who answers.
pub(crate) struct System {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) answer: Answer,
}

/// How a system answers.
pub(crate) enum Answer {
    /// By figures. The closure makes what is measured, such as a pool, which lives until the row
    /// is done.
    Figures(Box<dyn FnOnce() -> Result<Measure>>),
    /// By words, once, while the others of the row do so.
    Words(Box<dyn FnOnce() -> Result<String> + Send>),
}

impl System {
    /// Ours, or a peer.
    pub(crate) fn new<M>(
        name: impl Into<String>,
        setup: impl FnOnce() -> Result<M> + 'static,
    ) -> Self
    where
        M: FnMut() -> Result<f64> + 'static,
    {
        Self {
            name: name.into(),
            kind: Kind::Contender,
            answer: Answer::Figures(Box::new(|| Ok(Box::new(setup()?)))),
        }
    }

    /// A physical limit, bare.
    pub(crate) fn limit<M>(
        name: impl Into<String>,
        setup: impl FnOnce() -> Result<M> + 'static,
    ) -> Self
    where
        M: FnMut() -> Result<f64> + 'static,
    {
        Self { kind: Kind::Limit, ..Self::new(name, setup) }
    }

    /// Threads in one process.
    pub(crate) fn ceiling<M>(
        name: impl Into<String>,
        setup: impl FnOnce() -> Result<M> + 'static,
    ) -> Self
    where
        M: FnMut() -> Result<f64> + 'static,
    {
        Self { kind: Kind::Ceiling, ..Self::new(name, setup) }
    }

    /// One who cannot answer, and why.
    pub(crate) fn absent(name: impl Into<String>, why: &'static str) -> Self {
        Self::new(name, move || Err::<Measure, _>(anyhow!(why)))
    }

    /// One who answers by words, such as what becomes of it after a kill.
    pub(crate) fn verdict(
        name: impl Into<String>,
        ask: impl FnOnce() -> Result<String> + Send + 'static,
    ) -> Self {
        Self { name: name.into(), kind: Kind::Contender, answer: Answer::Words(Box::new(ask)) }
    }
}

/// How much of everything is measured at once.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Scale {
    pub(crate) quick: bool,
}

impl Scale {
    /// How many of `full` to do.
    pub(crate) fn of(self, full: usize) -> usize {
        if self.quick { full.div_ceil(10) } else { full }
    }
}
