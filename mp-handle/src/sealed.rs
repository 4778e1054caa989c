//! Bytes that nobody can change any more: a memfd sealed against writing.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};

use memmap2::{Mmap, MmapOptions};
use rustix::fs::SealFlags;

use crate::sys::{self, Seal};

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
        let fd = sys::memfd_create("multiprocess-parcel")?;
        sys::reserve(fd.as_fd(), bytes.len() as u64)?;
        let mut file = File::from(fd);
        file.write_all(bytes)?;
        rustix::fs::fcntl_add_seals(&file, Self::SEALS)?;
        Ok(file.into())
    }

    /// Maps what [`create`](Self::create) made in another process.
    pub(crate) fn open(fd: OwnedFd, len: usize) -> io::Result<Self> {
        // Before anything else: only then does what follows stay true.
        let is_sealed = is_sealed(&fd)?;
        let stat = rustix::fs::fstat(&fd)?;
        // A file with holes would be as long as it likes, and be filled by those who read it.
        let size = stat.st_size.min(stat.st_blocks.saturating_mul(512));
        if !is_sealed || u64::try_from(size).is_ok_and(|size| size < len as u64) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("{size} bytes in memory, or not sealed, where {len} were announced"),
            ));
        }
        // SAFETY: the seals forbid writing, shrinking and their own removal, so the bytes stay
        // as they are for as long as the mapping lives. It is a private one, since before 6.7 the
        // kernel takes each shared one for one that might yet be written, and refuses it.
        let map = unsafe { MmapOptions::new().len(len).map_copy_read_only(&fd)? };
        Ok(Self { map })
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.map
    }
}

/// Tells whether `fd` is a memfd whose bytes can never change again.
fn is_sealed(fd: &OwnedFd) -> io::Result<bool> {
    let is_fixed = sys::seal_of(fd)? == Seal::Fixed;
    Ok(is_fixed && rustix::fs::fcntl_get_seals(fd)?.contains(SealFlags::WRITE))
}
