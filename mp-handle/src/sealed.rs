//! Bytes that nobody can change any more: a memfd sealed against writing.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};

use memmap2::{Mmap, MmapOptions};
use rustix::fs::{MemfdFlags, SealFlags};

use crate::sys;

/// A read-only mapping of a sealed memfd. Because of the seals a plain slice over it is sound,
/// which no other memory shared with a peer allows.
#[derive(Debug)]
pub(crate) struct SealedBytes {
    map: Mmap,
}

impl SealedBytes {
    const SEALS: SealFlags =
        SealFlags::WRITE.union(SealFlags::SHRINK).union(SealFlags::GROW).union(SealFlags::SEAL);

    /// Copies `bytes` into a new memfd and seals it.
    pub(crate) fn create(bytes: &[u8]) -> io::Result<OwnedFd> {
        let fd = rustix::fs::memfd_create(
            c"multiprocess-parcel",
            MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING,
        )?;
        sys::reserve(fd.as_fd(), bytes.len() as u64)?;
        let mut file = File::from(fd);
        file.write_all(bytes)?;
        rustix::fs::fcntl_add_seals(&file, Self::SEALS)?;
        Ok(file.into())
    }

    /// Maps what [`create`](Self::create) made in another process.
    pub(crate) fn open(fd: OwnedFd, len: usize) -> io::Result<Self> {
        // On anything but a memfd the question itself is an error.
        let seals = rustix::fs::fcntl_get_seals(&fd)?;
        let size = rustix::fs::fstat(&fd)?.st_size;
        if !seals.contains(Self::SEALS) || u64::try_from(size).is_ok_and(|size| size < len as u64) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("a memfd of {size} bytes with seals {seals:?} where {len} sealed bytes were announced"),
            ));
        }
        // SAFETY: the seals forbid writing, shrinking and their own removal, so the bytes stay
        // as they are for as long as the mapping lives.
        let map = unsafe { MmapOptions::new().len(len).map(&fd)? };
        Ok(Self { map })
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.map
    }
}
