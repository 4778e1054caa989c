//! Two processes at work on one thing: a partner in another process, on a processor of its own.
//!
//! A measurement is some [`Work`] here and, mostly, other work at a [`Partner`]'s. Both are told
//! how often to do it, and the sample ends when both have done so. [`Pace`] finds out how often
//! fills a sample. The row's files hold the work; nothing here knows what is measured.

pub(crate) mod futex;
pub(crate) mod line;
mod load;
mod pace;
mod partner;
mod place;
mod python;

use anyhow::Result;
use mp_handle::{Kind, Region};

use crate::row::Measure;

pub(crate) use load::Load;
pub(crate) use pace::{Pace, Unit, gigabytes, mega, micros, millis, nanos};
pub(crate) use partner::{PATIENCE, Partner};
pub(crate) use place::{Place, Places};
pub(crate) use python::python_pair;

/// Does something so many times.
pub(crate) type Work = Box<dyn FnMut(usize) -> Result<()>>;

/// Does `body` as often as it is asked to.
pub(crate) fn repeat(mut body: impl FnMut() -> Result<()> + 'static) -> Work {
    Box::new(move |count| (0..count).try_for_each(|_| body()))
}

/// So many bytes that both sides see, all zero.
pub(crate) fn memory(len: usize) -> Result<Region> {
    Ok(Region::create(Kind::new(1000, "mp-bench"), 0, len)?)
}

/// One sample, in the unit of the row.
pub(crate) type Sample = Measure;

/// What this process does alone, set up by `setup`: for [`System`](crate::row::System).
pub(crate) fn alone(
    pace: Pace,
    unit: Unit,
    setup: impl FnOnce() -> Result<Work> + 'static,
) -> impl FnOnce() -> Result<Sample> + 'static {
    move || {
        let mut work = setup()?;
        let mut pace = pace;
        let sample: Sample = Box::new(move || pace.sample(&mut work).map(&unit));
        Ok(sample)
    }
}

/// What this process and its partners do at the same time.
pub(crate) struct Team {
    /// Dropped first: what they use here is still there when they end.
    pub(crate) partners: Vec<Partner>,
    /// Done here.
    pub(crate) work: Work,
}

impl Team {
    pub(crate) fn pair(partner: Partner, work: Work) -> Self {
        Self { work, partners: vec![partner] }
    }

    /// Lets everybody do it `count` times, and returns when all have.
    pub(crate) fn act(&mut self, count: usize) -> Result<()> {
        self.partners.iter_mut().try_for_each(|partner| partner.order(count))?;
        (self.work)(count)?;
        self.partners.iter_mut().try_for_each(Partner::finish)
    }
}

/// What a team does, with this process at `place`: for [`System`](crate::row::System).
pub(crate) fn together(
    pace: Pace,
    place: Place,
    unit: Unit,
    setup: impl FnOnce() -> Result<Team> + 'static,
) -> impl FnOnce() -> Result<Sample> + 'static {
    move || {
        let mut team = setup()?;
        let mut pace = pace;
        let sample: Sample = Box::new(move || {
            let _here = place.enter()?;
            pace.sample(|count| team.act(count)).map(&unit)
        });
        Ok(sample)
    }
}

/// What a pair does, each of the two on a core of its own; `setup` is told where the other one is.
pub(crate) fn apart(
    pace: Pace,
    unit: Unit,
    setup: impl FnOnce(Place) -> Result<Team> + 'static,
) -> impl FnOnce() -> Result<Sample> + 'static {
    move || {
        let Places { here, there } = Places::two_cores()?;
        together(pace, here, unit, move || setup(there))()
    }
}
