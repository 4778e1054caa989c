//! Pools of two workers: many tasks that do nothing, one at a time, large arguments, idleness.

mod arrays;
mod echo;
mod idle;
mod map;
mod one;
pub(super) mod rings;
mod tree;

use crate::row::{Row, Scale};

pub(super) const WORKERS: usize = 2;

pub(crate) fn rows(scale: Scale) -> Vec<Row> {
    let rows = [map::rows(scale), one::rows(scale), echo::rows(scale), arrays::rows(scale)];
    rows.into_iter().flatten().chain(idle::rows(scale)).collect()
}

/// The task of most rows.
fn same(n: u64) -> u64 {
    n
}
