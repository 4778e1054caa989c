//! The words that all processes with the queue share.
//!
//! They lie in the first page, in groups that are 128 bytes apart, since processors fetch lines in
//! pairs. Each group but the first is written by one side, under its lock.

use mp_handle::Shared;

use super::place::SEGMENTS_MAX;
use super::sleep::Sleepers;
use crate::primitive::{AtomicU32, AtomicU64};

/// Keeps what it holds 128 bytes away from what follows.
#[repr(C, align(64))]
pub(super) struct Apart<T> {
    words: T,
    gap: [AtomicU64; 8],
}

impl<T> std::ops::Deref for Apart<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.words
    }
}

#[repr(C)]
pub(super) struct Control {
    pub(super) settings: Apart<Settings>,
    /// Behind the last message put. Written by producers alone.
    pub(super) tail: Apart<AtomicU64>,
    pub(super) producers: Apart<Producers>,
    pub(super) segments: Segments,
    /// Where the next message to get begins. Written by consumers alone.
    pub(super) head: Apart<AtomicU64>,
    pub(super) consumers: Apart<Consumers>,
    /// Consumers that wait for a message.
    pub(super) getters: Apart<Sleepers>,
    /// Producers that wait for room.
    pub(super) putters: Apart<Sleepers>,
    pub(super) polled: Apart<Polled>,
}

/// Written once, but for the last.
#[repr(C)]
pub(super) struct Settings {
    /// The most bytes at a time, 0 for no limit.
    pub(super) max_bytes: AtomicU64,
    /// The most messages at a time, 0 for no limit.
    pub(super) max_messages: AtomicU32,
    /// How many handles of each side were dropped: a change is a reason to look for a hang-up.
    pub(super) departures: AtomicU32,
}

/// What producers know; guarded by their lock.
#[repr(C)]
pub(super) struct Producers {
    /// The head when it was last read.
    pub(super) head: AtomicU64,
    /// The bytes of all messages got, when they were last read.
    pub(super) taken: AtomicU64,
    /// The bytes of all messages put: at place `n % 2` those before message `n`.
    pub(super) bytes: [AtomicU64; 2],
    /// The tag of the last packet.
    pub(super) packets: AtomicU64,
}

/// How the segments are used; guarded by the producers' lock.
#[repr(C, align(64))]
pub(super) struct Segments {
    /// For each, from which one it was last jumped to.
    pub(super) previous: [AtomicU32; SEGMENTS_MAX],
    /// For each, how many bytes have their pages.
    pub(super) reserved: [AtomicU64; SEGMENTS_MAX],
}

/// What concerns the socket; seldom written.
#[repr(C)]
pub(super) struct Polled {
    /// 1 if a producer is to send a packet when it has put something: somebody polls.
    pub(super) is_polled: AtomicU32,
    /// 1 if a consumer is to send one when it has taken something.
    pub(super) is_room_polled: AtomicU32,
    /// 1 if one is to be sent by who says that the last task is done.
    pub(super) is_done_polled: AtomicU32,
    /// 1 if the socket is full though the store is empty: of what killed producers left in it.
    pub(super) is_clogged: AtomicU32,
}

/// What consumers know; guarded by their lock.
#[repr(C)]
pub(super) struct Consumers {
    /// The tail when it was last read.
    pub(super) tail: AtomicU64,
    /// As that of [`Producers`], of the messages got.
    pub(super) bytes: [AtomicU64; 2],
}

const _: () = assert!(size_of::<Control>() < 4096 - 64 - 16, "the page ends with a lock");

#[allow(unsafe_code)]
// SAFETY: atomics only, each valid with any bits, repr(C), aligned to 64; padding is not read.
unsafe impl Shared for Control {}
