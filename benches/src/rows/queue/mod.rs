//! Queues: messages of one size, as many as go through in one direction.

mod many;
mod stream;
mod threads;

use crate::duo::{Pace, Unit, gigabytes, mega};
use crate::row::{Better, Row, Scale, System};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

pub(crate) fn rows(scale: Scale) -> Vec<Row> {
    let pace = Pace::new(scale);
    let sizes = [("8b", 8), ("64b", 64), ("4k", 4 * KIB), ("1m", MIB), ("64m", scale.of(64 * MIB))];
    let mut rows: Vec<_> = sizes.map(|(name, len)| stream::row(pace, name, len)).into();
    rows.push(many::row(pace));
    rows
}

fn row(name: String, about: &str, unit: &'static str, systems: Vec<System>) -> Row {
    Row { name, about: about.into(), unit, better: Better::Higher, ballast: 0, systems }
}

/// Small messages are counted, large ones weighed.
fn unit(len: usize) -> (&'static str, Unit) {
    if len < KIB { ("M/s", mega(1)) } else { ("GB/s", gigabytes(len)) }
}
