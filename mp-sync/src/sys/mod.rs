//! Everything this crate asks of the operating system.
//!
//! | file | what it supplies |
//! |---|---|
//! | `robust_list` | the kernel's list of the locks that a thread holds |
//! | `page` | a page of a region, mapped so that a lock at its end can be on that list |
//! | `fork` | what a forked child must forget |
//! | `process` | who a process is, and whether it lives |
//! | `posix_semaphore` | the C library's named semaphores |

mod fork;
mod page;
mod posix_semaphore;
mod process;
mod robust_list;

pub(crate) use page::LockPage;
pub(crate) use posix_semaphore::PosixSemaphore;
pub use process::Identity;
pub(crate) use process::{ThreadIdentity, thread_exists};
pub(crate) use robust_list::{Thread, with_thread};
