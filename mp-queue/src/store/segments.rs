//! The segments: where the frames lie.
//!
//! They are parts of one sparse region, each larger than the one before. A process maps a segment
//! when it first gets there, for it may be allowed little address space; the pages are reserved
//! step by step as producers get there.
#![allow(unsafe_code)]

use std::sync::OnceLock;
use std::sync::atomic::Ordering::Relaxed;

use mp_handle::{Region, RegionError, Window};
use rustix::param::page_size;

use super::control::Segments as Words;
use super::error::{Corrupt, Refusal};
use super::frame::{HEADER, JUMP_ROOM};
use super::place::{Place, SEGMENT_MAX, SEGMENTS_MAX, UNIT};
use crate::primitive::AtomicU64;

/// The first segment stays in the processor's cache. (The model checker's build has a few small ones,
/// which a few messages fill.)
const SMALLEST: usize = if cfg!(shuttle) { 4 << 10 } else { 1 << 20 };
const GROWTH: u32 = if cfg!(shuttle) { 1 } else { 2 };

/// As many segments has a new store, if the process may make files so large.
pub(super) const COUNT: usize = if cfg!(shuttle) { 3 } else { SEGMENTS_MAX };

/// Segments up to this length keep their pages when they are left: to take them again costs more
/// than they are worth.
const KEPT: usize = if cfg!(shuttle) { 4 << 10 } else { 16 << 20 };

/// The pages of a segment are reserved in steps, each as long as all before it, but none longer than
/// this part of the segment, and the first not too small.
const STEPS: usize = 16;
const STEP_MIN: usize = if cfg!(shuttle) { 1 << 10 } else { 64 << 10 };

/// The bytes of a region's header, before its payload.
const REGION_HEADER: usize = 64;

/// The segments of a store, mapped or not.
#[derive(Debug)]
pub(super) struct Segments {
    /// Where each begins in the region, and how long it is.
    starts: Vec<usize>,
    lens: Vec<usize>,
    windows: [OnceLock<Window>; SEGMENTS_MAX],
}

/// Returns the length of a segment.
fn len_of(segment: usize) -> usize {
    // Far below the last segment the limit is reached, so the shift need not go further.
    SEGMENT_MAX.min(SMALLEST << (GROWTH * segment.min(8) as u32))
}

/// Returns the payload bytes of a region with `count` segments behind `front` bytes of its file.
pub(super) fn extent(front: usize, count: usize) -> usize {
    front - REGION_HEADER + (0..count).map(len_of).sum::<usize>()
}

impl Segments {
    /// Finds the segments that lie in the region's file from `front` on, a multiple of pages.
    pub(super) fn find(region: &Region, front: usize) -> Result<Segments, RegionError> {
        let mut starts = vec![front - REGION_HEADER];
        let mut lens = Vec::new();
        for len in (0..SEGMENTS_MAX).map(len_of) {
            let end = starts[lens.len()] + len;
            if end > region.extent() {
                break;
            }
            lens.push(len);
            starts.push(end);
        }
        if lens.is_empty() {
            return Err(RegionError::Truncated { size: region.extent() as u64 });
        }
        Ok(Segments { starts, lens, windows: [const { OnceLock::new() }; SEGMENTS_MAX] })
    }

    #[inline]
    pub(super) fn lens(&self) -> &[usize] {
        &self.lens
    }

    /// Checks that a header could lie at a place.
    #[inline]
    pub(super) fn check(&self, place: Place) -> Result<(), Corrupt> {
        match self.lens.get(place.segment) {
            Some(&len) if place.offset <= len - HEADER => Ok(()),
            _ => Err(Corrupt::place(place)),
        }
    }

    /// Tells whether a frame of `size` bytes could lie at a place that was checked.
    #[inline]
    pub(super) fn holds(&self, place: Place, size: usize) -> bool {
        size.saturating_add(JUMP_ROOM) <= self.lens[place.segment] - place.offset
    }

    /// Returns the mapping of a segment that is there.
    #[inline]
    pub(super) fn window(&self, region: &Region, segment: usize) -> Result<&Window, RegionError> {
        match self.windows[segment].get() {
            Some(window) => Ok(window),
            None => self.map(region, segment),
        }
    }

    #[cold]
    fn map(&self, region: &Region, segment: usize) -> Result<&Window, RegionError> {
        let window = region.window(self.starts[segment], self.lens[segment])?;
        // Two threads may both have mapped it; one mapping is dropped.
        Ok(self.windows[segment].get_or_init(|| window))
    }

    /// Sees to it that the pages up to the end of a frame are there. For the holder of the
    /// producers' lock.
    #[inline]
    pub(super) fn reserve(
        &self,
        region: &Region,
        words: &Words,
        place: Place,
        size: usize,
    ) -> Result<(), Refusal> {
        let end = place.offset + size + JUMP_ROOM;
        if end as u64 <= words.reserved[place.segment].load(Relaxed) {
            return Ok(());
        }
        self.reserve_step(region, words, place, end)
    }

    #[cold]
    fn reserve_step(
        &self,
        region: &Region,
        words: &Words,
        place: Place,
        end: usize,
    ) -> Result<(), Refusal> {
        let Place { segment, offset } = place;
        let len = self.lens[segment];
        let start = words.reserved[segment].load(Relaxed) as usize;
        // Frames follow each other, so the pages before this one are there: else all of them, up to
        // where the mad peer has put the tail, would be taken.
        if start < offset {
            return Err(Corrupt::place(Place { segment, offset }).into());
        }
        let step = start.next_power_of_two().min(len / STEPS).max(STEP_MIN);
        let end = end.next_multiple_of(step).min(len);
        region.reserve(self.starts[segment] + start, end - start)?;
        words.reserved[segment].store(end as u64, Relaxed);
        Ok(())
    }

    /// Tells whether a segment gives its pages back when nothing is left in it.
    pub(super) fn is_large(&self, segment: usize) -> bool {
        self.lens[segment] > KEPT
    }

    /// Gives the pages of a segment back in which nothing is left. For the holder of the
    /// producers' lock.
    pub(super) fn release(&self, region: &Region, words: &Words, segment: usize) {
        let taken = (words.reserved[segment].swap(0, Relaxed) as usize).min(self.lens[segment]);
        if taken > 0 {
            // If the system refuses, the pages stay, and are there when they are reserved again.
            let _ = region.release(self.starts[segment], taken);
        }
    }
}

/// Returns the header word at `offset` of a window, which has been checked.
#[inline]
pub(super) fn header_word(window: &Window, offset: usize) -> &AtomicU64 {
    assert!(
        offset.is_multiple_of(UNIT) && offset <= window.len() - HEADER,
        "a place in the segment"
    );
    // SAFETY: inside the window and aligned, as just checked; a window begins with a page.
    unsafe { AtomicU64::from_ptr(window.as_ptr().add(offset).cast()) }
}

/// Returns how many bytes of the file the page size makes of `bytes`.
pub(super) fn whole_pages(bytes: usize) -> usize {
    bytes.next_multiple_of(page_size())
}

// (The words of the model checker are only found in memory, never made.)
#[cfg(all(test, not(shuttle)))]
mod tests {
    use mp_handle::Kind;

    use super::*;
    use crate::primitive::AtomicU32;

    #[test]
    fn segments_grow_up_to_what_a_place_can_name() {
        let lens: Vec<usize> = (0..8).map(len_of).map(|len| len >> 20).collect();
        assert_eq!(lens, [1, 4, 16, 64, 256, 1024, 1024, 1024]);
        assert_eq!(len_of(SEGMENTS_MAX - 1), SEGMENT_MAX);
    }

    #[test]
    fn steps_grow_with_what_is_reserved() {
        let front = whole_pages(REGION_HEADER);
        let region = Region::create_sparse(Kind::new(1000, "store"), 0, extent(front, 6), 64);
        let region = region.unwrap();
        let segments = Segments::find(&region, front).unwrap();
        let words = Words {
            previous: [const { AtomicU32::new(0) }; SEGMENTS_MAX],
            reserved: [const { AtomicU64::new(0) }; SEGMENTS_MAX],
        };
        // A mad peer that puts the tail into the last of them takes little memory so.
        let step = |reserved: u64| {
            words.reserved[5].store(reserved, Relaxed);
            let place = Place { segment: 5, offset: reserved as usize };
            segments.reserve(&region, &words, place, 100).unwrap();
            words.reserved[5].load(Relaxed) - reserved
        };
        let (kib, mib) = (1 << 10, 1 << 20);
        assert_eq!([0, 64 * kib, 256 * kib].map(step), [64 * kib, 64 * kib, 256 * kib]);
        assert_eq!(step(512 * mib), 64 * mib);
    }
}
