//! A page of a region, mapped so that a lock at its end can be on the kernel's list.
//!
//! The kernel looks for the word of a lock at a fixed distance before the entry of its list, and
//! glibc has made that distance 32 bytes. An entry holds pointers, which must not lie in memory
//! that another process can write: it could send the kernel, and us, wherever it likes. So the
//! word is in the last bytes of a shared page, and the entry in the first bytes of a private page
//! that is mapped right behind it:
//!
//! ```text
//!        shared page of the region           private page
//! | ...                   dead 0 |word holder|  ...  prev next claim ... |
//!                                 ^ -8                    ^ +24 = word + 32
//! ```
#![allow(unsafe_code)]

use std::fmt;
use std::io;
use std::os::fd::AsFd;
use std::ptr;
use std::sync::atomic::{AtomicU32, AtomicU64};

use mp_handle::Region;
use rustix::mm::{MapFlags, ProtFlags, mmap, mmap_anonymous, munmap};
use rustix::param::page_size;

use super::robust_list::{Node, futex_offset, unsupported};

/// The shared words, the last of a page.
#[repr(C)]
pub(crate) struct Words {
    /// The process that died last while it held the lock; 0 if none did since it was recovered.
    pub(crate) dead: AtomicU32,
    reserved: AtomicU32,
    /// The futex: the thread that holds the lock, and two flags.
    pub(crate) lock: AtomicU32,
    /// The process of that thread, once it has written it down.
    pub(crate) holder: AtomicU32,
}

/// How far before the end of the page the futex lies.
const LOCK_FROM_END: usize = size_of::<Words>() - std::mem::offset_of!(Words, lock);

/// Two pages: one of the region, and a private one behind it.
pub(crate) struct LockPage {
    start: *mut u8,
    /// At the end of the first page.
    words: *const Words,
    /// In the private page, at the distance from `lock` that the kernel expects.
    node: *mut Node,
}

// SAFETY: the words are atomics, and the node is written only by the thread that has the claim.
unsafe impl Send for LockPage {}
// SAFETY: as above.
unsafe impl Sync for LockPage {}

impl LockPage {
    /// How many bytes at the end of its page a lock takes.
    pub(crate) const SIZE: usize = size_of::<Words>();

    /// Maps the page that begins `offset` bytes into the region's file.
    pub(crate) fn map(region: &Region, offset: u64) -> io::Result<LockPage> {
        let page = page_size();
        let rw = ProtFlags::READ | ProtFlags::WRITE;
        let entry = LOCK_FROM_END.wrapping_neg().wrapping_sub(futex_offset()? as usize);
        // Where the node begins, in the private page.
        let node = entry.wrapping_sub(Node::ENTRY);
        if node > page / 2 || !node.is_multiple_of(align_of::<Node>()) {
            return Err(unsupported());
        }
        // SAFETY: new memory at an address of the kernel's choice.
        let start = unsafe { mmap_anonymous(ptr::null_mut(), 2 * page, rw, MapFlags::PRIVATE)? };
        let node = start.wrapping_byte_add(page + node).cast();
        let words = start.wrapping_byte_add(page - size_of::<Words>()).cast_const().cast();
        let mapped = LockPage { start: start.cast(), words, node };
        let flags = MapFlags::SHARED | MapFlags::FIXED;
        // SAFETY: replaces the first of the two pages, which nobody uses yet.
        unsafe { mmap(start, page, rw, flags, region.descriptor().as_fd(), offset)? };
        Ok(mapped)
    }

    #[inline]
    pub(crate) fn words(&self) -> &Words {
        // SAFETY: the last bytes of the first page, which is mapped as long as `self` lives, and
        // aligned, for a page's size is a multiple of 16; all of them are atomics.
        unsafe { &*self.words }
    }

    /// Returns the entry for the kernel's list; only the thread that has the claim writes it.
    #[inline]
    pub(crate) fn node(&self) -> *mut Node {
        self.node
    }

    /// Returns the word that says which thread of this process holds the lock by this mapping.
    #[inline]
    pub(crate) fn claim(&self) -> &AtomicU64 {
        // SAFETY: the node lies in the private page, mapped as long as `self` lives, and this
        // field of it is an atomic.
        unsafe { &(*self.node).claim }
    }
}

impl Drop for LockPage {
    /// Unmaps the pages, unless a thread still holds the lock by a guard that was forgotten: then
    /// the kernel's list leads here, and the pages have to stay.
    fn drop(&mut self) {
        // SAFETY: nobody else has this page any more, so nobody links the node.
        if unsafe { Node::is_linked(self.node) } {
            return;
        }
        // SAFETY: the two pages that `map` made, to which nothing leads any more.
        let _ = unsafe { munmap(self.start.cast(), 2 * page_size()) };
    }
}

impl fmt::Debug for LockPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LockPage")
    }
}
