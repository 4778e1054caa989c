//! Tasks that are made to fail, each in another way: by an error, by a crash, by never ending.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use multiprocess::{TaskError, TaskErrorKind};
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use serde::{Deserialize, Serialize};

/// A task that must not succeed, and must not hurt any other.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Trap {
    /// The first bytes of a photograph, as after a broken download.
    CutShort(PathBuf),
    /// A crash, as a bug in a C library would cause it.
    WildPointer,
    /// A computation that never returns.
    Endless,
}

impl Trap {
    /// One trap of each kind. The broken file is cut from `photo` into the folder `scratch`.
    pub(crate) fn all(photo: &Path, scratch: &Path) -> Result<[Trap; 3]> {
        // Decoders paint what they can of half a JPEG file; without its header, they cannot.
        const HEADER_CUT: usize = 100;
        let whole = fs::read(photo).with_context(|| format!("cannot read {}", photo.display()))?;
        let cut = scratch.join("cut-short.jpg");
        fs::write(&cut, &whole[..HEADER_CUT.min(whole.len() / 2)])?;
        Ok([Trap::CutShort(cut), Trap::WildPointer, Trap::Endless])
    }

    /// Runs the trap in the worker. The broken file is one to go on with; the others never return.
    pub(crate) fn spring(&self) -> Result<&Path> {
        match self {
            Trap::CutShort(path) => Ok(path),
            Trap::WildPointer => {
                // This crash is wanted: nobody needs a core file of it.
                set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
                follow_wild_pointer();
                anyhow::bail!("the wild pointer led somewhere")
            }
            Trap::Endless => loop {
                std::hint::spin_loop();
            },
        }
    }

    /// Whether the task ended the way that this trap is made for.
    pub(crate) fn is_caught(&self, error: &TaskError) -> bool {
        match self {
            Trap::CutShort(_) => matches!(error.kind, TaskErrorKind::Failed(_)),
            Trap::WildPointer => matches!(error.kind, TaskErrorKind::WorkerLost { .. }),
            Trap::Endless => matches!(error.kind, TaskErrorKind::TimedOut { .. }),
        }
    }
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Trap::CutShort(_) => "(cut-short file)",
            Trap::WildPointer => "(wild pointer)",
            Trap::Endless => "(endless task)",
        })
    }
}

/// Reads from an address where nothing is.
#[allow(unsafe_code, reason = "what this example shows is what unsafe code can do to a process")]
fn follow_wild_pointer() {
    let nowhere = std::ptr::without_provenance::<u8>(8);
    // SAFETY: there is none. This is wrong on purpose, and the process dies of it by SIGSEGV:
    // Linux maps nothing into the first page.
    unsafe { nowhere.read_volatile() };
}
