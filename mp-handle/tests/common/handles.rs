//! Descriptors that can be told apart: memfds with a number in them.

use std::os::fd::AsFd;

use mp_handle::Descriptor;
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::{pread, pwrite};

/// Makes a descriptor with `number` in it.
pub(crate) fn numbered(number: u64) -> Descriptor {
    let memory = memfd_create("numbered", MemfdFlags::CLOEXEC).unwrap();
    assert_eq!(pwrite(&memory, &number.to_ne_bytes(), 0), Ok(8));
    Descriptor::from(memory)
}

/// Reads the number in what [`numbered`] has made, wherever it has been since.
pub(crate) fn number_of(descriptor: impl AsFd) -> u64 {
    let mut number = [0; 8];
    assert_eq!(pread(descriptor, &mut number, 0), Ok(8));
    u64::from_ne_bytes(number)
}
