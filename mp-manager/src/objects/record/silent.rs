//! Nothing is kept, so nothing is noted.

use std::collections::VecDeque;

use crate::objects::Stored;

#[derive(Default)]
pub(in crate::objects) struct Record;

impl Record {
    #[inline]
    pub(in crate::objects) fn is_on(&self) -> bool {
        false
    }

    #[inline]
    pub(in crate::objects) fn put(&mut self, _: i64, _: impl FnOnce(&mut Vec<u8>)) {}

    #[inline]
    pub(in crate::objects) fn remove(&mut self, _: i64) {}

    #[inline]
    pub(in crate::objects) fn clear(&mut self) {}
}

#[derive(Default)]
pub(in crate::objects) struct Rows;

impl Rows {
    #[inline]
    pub(in crate::objects) fn replaced(&mut self, _: usize, _: &Stored) {}

    #[inline]
    pub(in crate::objects) fn spliced(
        &mut self,
        _: usize,
        _: usize,
        _: usize,
        _: &VecDeque<Stored>,
    ) {
    }
}
