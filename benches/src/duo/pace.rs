//! How often a thing is done in one sample: as often as fills it, whatever the machine.

use std::time::Instant;

use anyhow::Result;

use crate::row::Scale;

/// Makes the unit of a row from the seconds that it took once.
pub(crate) type Unit = Box<dyn Fn(f64) -> f64>;

/// Counts the repeats that fill a sample. The first sample finds the number (it is the one that
/// does not count), and all others keep to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Seconds.
    target: f64,
    count: Option<usize>,
}

/// Seconds in which whatever comes between does not count.
const LONG: f64 = 0.2;

/// No sample repeats more often.
const MOST: usize = 1 << 24;

impl Pace {
    pub(crate) fn new(scale: Scale) -> Self {
        Self { target: if scale.quick { 0.01 } else { 0.05 }, count: None }
    }

    /// The length of a sample in milliseconds, for a peer that times itself.
    pub(crate) fn millis(self) -> usize {
        (self.target * 1e3) as usize
    }

    /// Takes a sample of what `body` does; returns the seconds that it took once.
    pub(crate) fn sample(&mut self, mut body: impl FnMut(usize) -> Result<()>) -> Result<f64> {
        let mut timed = |count: usize| -> Result<f64> {
            let begin = Instant::now();
            body(count)?;
            Ok(begin.elapsed().as_secs_f64())
        };
        if let Some(count) = self.count {
            return Ok(timed(count)? / count as f64);
        }
        let mut count = 1;
        loop {
            let mut took = timed(count)?;
            if took < LONG {
                // Once more, since something else may have come between.
                took = took.min(timed(count)?);
            }
            if took >= self.target / 2.0 || count == MOST {
                self.count = Some(count);
                return Ok(took / count as f64);
            }
            // Never trusts a short sample far: the first time is slow, a lucky one fast.
            let factor = (self.target / took).clamp(2.0, 16.0);
            count = ((count as f64 * factor) as usize).min(MOST);
        }
    }
}

pub(crate) fn nanos() -> Unit {
    Box::new(|seconds| seconds * 1e9)
}

pub(crate) fn micros() -> Unit {
    Box::new(|seconds| seconds * 1e6)
}

pub(crate) fn millis() -> Unit {
    Box::new(|seconds| seconds * 1e3)
}

/// Millions a second, where `each` of them are done at once.
pub(crate) fn mega(each: usize) -> Unit {
    Box::new(move |seconds| each as f64 / seconds / 1e6)
}

/// Gigabytes a second, where `bytes` of them are moved at once.
pub(crate) fn gigabytes(bytes: usize) -> Unit {
    Box::new(move |seconds| bytes as f64 / seconds / 1e9)
}
