//! The list that the kernel walks when a thread ends: the locks that it holds.
//!
//! glibc registers the head of such a list for each thread, for its own robust mutexes
//! (`set_robust_list(2)`), and there can be no second one. So we put our entries on glibc's, as
//! glibc does: its entries and ours may stand in any order.
//!
//! ```text
//!  Head (glibc's, in the thread)     an entry                      where the kernel looks
//!  | first | futex_offset | pending |   | prev | next |  ...         entry + futex_offset
//!      |                                     ^   |
//!      +-------------------------------------+   +--> next entry, or back to the head
//! ```
//!
//! An "entry" is the address of the `next` field; `prev` lies right before it, in the head too.
//! When the thread ends, however it ends, the kernel visits each entry, and besides the one in
//! `pending`, looks at the futex word at `futex_offset` from it, and if that word names this very
//! thread, sets `FUTEX_OWNER_DIED` in it and wakes a waiter. `pending` covers the instructions
//! between taking the word and having linked the entry, and between having unlinked it and giving
//! the word back.
//!
//! All writes are volatile, and in the order in which the kernel may see the effects. It looks
//! from the same thread, so that the order of the program is enough on any processor.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::ffi::{c_int, c_long};
use std::io;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering, compiler_fence};

use super::fork::forget_at_fork;
use super::process::ThreadIdentity;

/// More locks than this at a time are refused: of more than 2,048 the kernel forgets the rest, and
/// other code of the program may hold some of its own.
const HELD_MAX: u32 = 1000;

/// An entry's two links. It is private memory: no other process can write what is followed here.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Node {
    prev: *mut Entry,
    next: *mut Entry,
    /// The [`ThreadIdentity`] of who has linked it or is about to, 0 if nobody.
    pub(crate) claim: AtomicU64,
}

/// What the links point to: the `next` field of a [`Node`], or the head.
#[repr(transparent)]
struct Entry(*mut Entry);

impl Node {
    /// Where the `next` field lies, which is what the kernel calls an entry.
    pub(crate) const ENTRY: usize = std::mem::offset_of!(Node, next);

    /// Tells whether it is linked, which is to say that this mapping's lock is held.
    ///
    /// # Safety
    ///
    /// `node` points to a node, and no thread links or unlinks it meanwhile.
    pub(crate) unsafe fn is_linked(node: *const Node) -> bool {
        // SAFETY: by the contract of this function.
        unsafe { !(*node).next.is_null() }
    }
}

/// `struct robust_list_head` of `linux/futex.h`.
#[repr(C)]
struct Head {
    first: *mut Entry,
    futex_offset: c_long,
    pending: *mut Entry,
}

/// What a thread knows of itself.
pub(crate) struct Thread {
    /// Its number, 0 before the first use.
    id: Cell<u32>,
    identity: Cell<u64>,
    process: Cell<u32>,
    /// How many locks of this crate it holds.
    held: Cell<u32>,
    head: Cell<*mut Head>,
}

thread_local! {
    static THREAD: Thread = const {
        Thread {
            id: Cell::new(0),
            identity: Cell::new(0),
            process: Cell::new(0),
            held: Cell::new(0),
            head: Cell::new(ptr::null_mut()),
        }
    };
}

/// Runs `work` with the current thread.
///
/// # Errors
///
/// The system's error if it keeps no such list for this thread.
#[inline]
pub(crate) fn with_thread<R>(work: impl FnOnce(&Thread) -> R) -> io::Result<R> {
    // Within `with`, the work would be a function of its own, and a tenth slower.
    // SAFETY: this thread's own, without a destructor: it is there until the thread ends.
    let thread = unsafe { &*THREAD.with(ptr::from_ref) };
    if thread.id.get() == 0 {
        thread.introduce()?;
    }
    Ok(work(thread))
}

impl Thread {
    #[cold]
    fn introduce(&self) -> io::Result<()> {
        forget_at_fork();
        self.head.set(robust_list_head()?);
        self.process.set(std::process::id());
        let identity = ThreadIdentity::current();
        self.identity.set(identity.to_bits());
        self.id.set(identity.id());
        Ok(())
    }

    /// Returns the number that stands in the word of a lock which this thread holds.
    #[inline]
    pub(crate) fn id(&self) -> u32 {
        self.id.get()
    }

    /// Returns the [`ThreadIdentity`], with which it makes its claims.
    #[inline]
    pub(crate) fn identity(&self) -> u64 {
        self.identity.get()
    }

    /// Returns the number of its process.
    #[inline]
    pub(crate) fn process(&self) -> u32 {
        self.process.get()
    }

    /// Tells whether the kernel would look after one more lock.
    #[inline]
    pub(crate) fn can_hold_more(&self) -> bool {
        self.held.get() < HELD_MAX
    }

    /// Announces that the word of `node` is about to change hands.
    ///
    /// # Safety
    ///
    /// `node` lies where the kernel finds the word of its lock, and stays until
    /// [`withdraw`](Self::withdraw).
    #[inline]
    pub(crate) unsafe fn announce(&self, node: *mut Node) {
        // SAFETY: the head is this thread's own, by `introduce`, and lives as long as the thread.
        unsafe { (&raw mut (*self.head.get()).pending).write_volatile(entry(node)) };
        compiler_fence(Ordering::SeqCst);
    }

    /// Takes the announcement back: the word has changed hands, or will not.
    #[inline]
    pub(crate) fn withdraw(&self) {
        compiler_fence(Ordering::SeqCst);
        // SAFETY: as in `announce`.
        unsafe { (&raw mut (*self.head.get()).pending).write_volatile(ptr::null_mut()) };
    }

    /// Puts `node` on the list.
    ///
    /// # Safety
    ///
    /// As for [`announce`](Self::announce), until [`unlink`](Self::unlink); the node is on no
    /// living thread's list, and this thread has its claim.
    #[inline]
    pub(crate) unsafe fn link(&self, node: *mut Node) {
        let head = self.head.get();
        // SAFETY: the head is this thread's own. What it and its entries point to was linked by
        // glibc or by this function, in this thread, and is not unmapped while it is linked.
        unsafe {
            let first = (*head).first;
            (&raw mut (*node).prev).write_volatile(head.cast());
            (&raw mut (*node).next).write_volatile(first);
            compiler_fence(Ordering::SeqCst);
            prev_of(first).write_volatile(entry(node));
            (&raw mut (*head).first).write_volatile(entry(node));
        }
        self.held.set(self.held.get() + 1);
    }

    /// Takes `node` off the list.
    ///
    /// # Safety
    ///
    /// This thread has linked it.
    #[inline]
    pub(crate) unsafe fn unlink(&self, node: *mut Node) {
        // SAFETY: as in `link`; the neighbours of a linked node are linked themselves.
        unsafe {
            let (prev, next) = ((*node).prev, (*node).next);
            (&raw mut (*untagged(prev)).0).write_volatile(next);
            prev_of(next).write_volatile(prev);
            compiler_fence(Ordering::SeqCst);
            (&raw mut (*node).next).write_volatile(ptr::null_mut());
        }
        self.held.set(self.held.get().saturating_sub(1));
    }
}

/// Forgets the parent's thread in a forked child, whose list glibc has emptied.
pub(super) fn forget() {
    THREAD.with(|thread| {
        thread.id.set(0);
        thread.held.set(0);
    });
}

/// Returns how far from an entry the kernel looks for the word, in this process.
pub(crate) fn futex_offset() -> io::Result<isize> {
    let head = robust_list_head()?;
    // SAFETY: the kernel's answer is the head of the calling thread.
    let offset = unsafe { (*head).futex_offset };
    isize::try_from(offset).map_err(|_| unsupported())
}

fn robust_list_head() -> io::Result<*mut Head> {
    let mut head: *mut Head = ptr::null_mut();
    let mut size: libc::size_t = 0;
    let this_thread: c_int = 0;
    // SAFETY: the kernel writes one pointer and one size, to where there is room for them.
    let status = unsafe {
        libc::syscall(libc::SYS_get_robust_list, this_thread, &raw mut head, &raw mut size)
    };
    if status != 0 {
        return Err(io::Error::last_os_error());
    }
    if head.is_null() || size != size_of::<Head>() { Err(unsupported()) } else { Ok(head) }
}

pub(crate) fn unsupported() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "this thread has no robust list of glibc's layout")
}

fn entry(node: *mut Node) -> *mut Entry {
    node.wrapping_byte_add(Node::ENTRY).cast()
}

/// Returns where the `prev` field of an entry lies.
fn prev_of(entry: *mut Entry) -> *mut *mut Entry {
    untagged(entry).wrapping_byte_sub(Node::ENTRY).cast()
}

/// Entries of priority-inheriting mutexes of glibc have their lowest bit set.
fn untagged(entry: *mut Entry) -> *mut Entry {
    entry.map_addr(|address| address & !1)
}
