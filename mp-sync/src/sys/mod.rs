//! Everything this crate asks of the operating system.
//!
//! | file | what it supplies |
//! |---|---|
//! | `robust_list` | the kernel's list of the locks that a thread holds |
//! | `page` | a page of a region, mapped so that a lock at its end can be on that list |
//! | `fork` | what a forked child must forget |
//! | `process` | who a process is, and whether it lives |
//! | `posix_semaphore` | the C library's named semaphores |
//!
//! The model checker's build has doubles of all but the last, in `primitive`.

#[cfg(not(shuttle))]
mod fork;
#[cfg(not(shuttle))]
mod page;
mod posix_semaphore;
#[cfg(not(shuttle))]
mod process;
#[cfg(not(shuttle))]
mod robust_list;

#[cfg(not(shuttle))]
pub(crate) use page::LockPage;
pub(crate) use posix_semaphore::PosixSemaphore;
#[cfg(not(shuttle))]
pub use process::Identity;
#[cfg(not(shuttle))]
pub(crate) use process::{ThreadIdentity, thread_exists};
#[cfg(not(shuttle))]
pub(crate) use robust_list::{Thread, with_thread};
