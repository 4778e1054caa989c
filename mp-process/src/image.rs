//! The program's own image: where its code is, and whether two processes run the same one.

use std::os::linux::fs::MetadataExt;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::error::ForeignFunction;
use crate::sys::{self, LoadedObject};

/// Tells one build of a program from any other that could run on this machine: the identity of
/// its file. It works for a file that was replaced or deleted since, and costs one stat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ImageId {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

static CURRENT: OnceLock<ImageId> = OnceLock::new();

impl ImageId {
    /// Takes over the identity from the parent, which has started its own image: this one. That
    /// saves each start a look at the file.
    pub(crate) fn inherit(self) {
        CURRENT.get_or_init(|| self);
    }

    /// The identity of the running image. Without /proc all are zero, and all processes alike.
    pub(crate) fn current() -> Self {
        *CURRENT.get_or_init(|| match std::fs::metadata("/proc/self/exe") {
            Ok(file) => Self {
                device: file.st_dev(),
                inode: file.st_ino(),
                size: file.st_size(),
                modified: (file.st_mtime(), file.st_mtime_nsec()),
            },
            Err(_) => Self { device: 0, inode: 0, size: 0, modified: (0, 0) },
        })
    }
}

/// The main program, without its shared libraries.
pub(crate) fn main_object() -> &'static LoadedObject {
    static MAIN: OnceLock<LoadedObject> = OnceLock::new();
    MAIN.get_or_init(|| sys::loaded_objects(1).swap_remove(0))
}

/// Where in the image `address` is: the same number in every process of this image, wherever
/// the kernel has put it.
pub(crate) fn offset_of(address: usize) -> Result<u64, ForeignFunction> {
    let main = main_object();
    if main.code.iter().any(|range| range.contains(&address)) {
        return Ok((address - main.base) as u64);
    }
    let image = (sys::loaded_objects(usize::MAX).into_iter())
        .find(|object| object.code.iter().any(|range| range.contains(&address)))
        .map_or_else(|| String::from("no loaded image"), |object| object.name);
    Err(ForeignFunction { image })
}

/// The address at `offset` in this process's copy of the image, if there is code.
pub(crate) fn address_at(offset: u64) -> Option<usize> {
    let main = main_object();
    let address = main.base.checked_add(usize::try_from(offset).ok()?)?;
    main.code.iter().any(|range| range.contains(&address)).then_some(address)
}
