//! Locks and their kin: alone, between two processes, and when their owner dies.

mod bare;
mod barrier;
mod event;
mod lock;
mod ours;
mod permit;
mod raw_sync;
mod value;

use mp_handle::Region;

use crate::duo::{self, Pace, Places, Unit};
use crate::row::{Better, Row, Scale, System};

/// The size of the memory in which a primitive lies: the largest page of any machine.
const PAGE: usize = 1 << 16;

pub(crate) fn rows(scale: Scale) -> Vec<Row> {
    let pace = Pace::new(scale);
    let rows = [lock::rows(pace), permit::rows(pace), event::rows(pace), barrier::rows(pace)];
    rows.into_iter().flatten().chain(value::rows(pace)).collect()
}

fn row(name: &str, about: &str, unit: &'static str, systems: Vec<System>) -> Row {
    let better = if unit == "M/s" { Better::Higher } else { Better::Lower };
    Row { name: name.into(), about: about.into(), unit, better, ballast: 0, systems }
}

/// The CPython peer `what`, alone; it answers in seconds for each operation.
fn python_alone(name: &str, what: &'static str, pace: Pace, unit: Unit) -> System {
    super::python(name, what, [pace.millis()], unit)
}

/// The same for two processes, each on a core of its own.
fn python_pair(name: &str, what: &'static str, pace: Pace, unit: Unit) -> System {
    duo::python_pair(name, what, pace, Places::two_cores, [], unit)
}

/// A lock in shared memory.
trait SharedLock: Sized + 'static {
    /// Makes it at the beginning of `memory`, all zero, for all processes.
    fn create(memory: &Region) -> anyhow::Result<()>;

    /// Finds it there.
    fn open(memory: Region) -> anyhow::Result<Self>;

    /// Does `body` while it is locked.
    fn with(&self, body: impl FnOnce()) -> anyhow::Result<()>;
}
