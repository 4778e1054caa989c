//! Memory that is sealed, and the seals of what came from elsewhere.

mod common {
    pub(crate) mod parcel;
}

use std::fs;
use std::os::fd::OwnedFd;

use common::parcel::arrive;
use mp_handle::{Descriptor, Parcel};
use mp_shm::{RegionError, SealErrorReason, SealedMemory, SegmentError, SharedMemory};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};

fn read<const N: usize>(memory: &SharedMemory, offset: usize) -> [u8; N] {
    let mut bytes = [0; N];
    memory.read(offset, &mut bytes).unwrap();
    bytes
}

fn memfd(size: u64, seals: SealFlags) -> Descriptor {
    let flags = MemfdFlags::ALLOW_SEALING | MemfdFlags::CLOEXEC;
    let fd = memfd_create("foreign", flags).unwrap();
    ftruncate(&fd, size).unwrap();
    fcntl_add_seals(&fd, seals).unwrap();
    fd.into()
}

#[test]
fn foreign_descriptors_are_examined() {
    let foreign = |descriptor| SharedMemory::from_descriptor(descriptor).unwrap_err();
    let open = foreign(memfd(100, SealFlags::SHRINK));
    assert!(matches!(open, RegionError::NotSealed), "{open:?}");
    let pipe = foreign(OwnedFd::from(std::io::pipe().unwrap().0).into());
    assert!(matches!(pipe, RegionError::NotMemory), "{pipe:?}");
    let file = foreign(OwnedFd::from(fs::File::open("/proc/self/exe").unwrap()).into());
    assert!(matches!(file, RegionError::NotMemory), "{file:?}");
    let fixed = SealFlags::SHRINK | SealFlags::GROW;
    assert_eq!(SharedMemory::from_descriptor(memfd(100, fixed)).unwrap().size(), 100);
    let huge = foreign(memfd(1 << 62, fixed));
    assert!(matches!(huge, RegionError::Io(_)), "{huge:?}");
}

#[test]
fn sealed_memory_is_a_slice_that_nobody_writes() {
    let memory = SharedMemory::new(5000).unwrap();
    memory.write(4996, b"last").unwrap();
    let sealed = memory.seal().unwrap();
    for sealed in [arrive(&sealed), sealed.clone(), sealed] {
        assert_eq!((sealed.len(), &sealed[4996..]), (5000, &b"last"[..]));
        let shared = SharedMemory::from_descriptor(sealed.descriptor().clone()).unwrap();
        assert!(shared.is_read_only());
        assert_eq!(shared.write(0, b"x"), Err(SegmentError::ReadOnly));
        assert_eq!(rustix::io::pwrite(&sealed, b"x", 0), Err(rustix::io::Errno::PERM));
        assert_eq!(shared.seal().unwrap().len(), 5000);
    }
}

#[test]
fn memory_that_others_can_write_is_not_sealed() {
    let memory = SharedMemory::new(100).unwrap();
    let elsewhere = arrive(&memory);
    let refused = memory.seal().unwrap_err();
    assert!(matches!(refused.reason(), SealErrorReason::InUse), "{refused:?}");
    let memory = refused.into_inner().unwrap();
    memory.write(0, b"on").unwrap();
    assert_eq!(&read(&elsewhere, 0), b"on");
    drop(elsewhere);
    assert_eq!(&memory.seal().unwrap()[..2], b"on");
}

#[test]
fn memory_with_a_name_is_not_sealed() {
    let memory = SharedMemory::create_unique(1).unwrap();
    SharedMemory::unlink(memory.name().unwrap()).unwrap();
    let nameless = SharedMemory::from_descriptor(memory.descriptor().clone()).unwrap();
    for memory in [memory, nameless] {
        let refused = memory.seal().unwrap_err();
        assert!(matches!(refused.reason(), SealErrorReason::Named), "{refused:?}");
        assert!(refused.into_inner().is_some());
    }
}

#[test]
fn sealing_reserves_what_is_missing() {
    let memory = SharedMemory::options().reserve(false).anonymous(1 << 20).unwrap();
    let sealed = memory.seal().unwrap();
    assert_eq!(rustix::fs::fstat(&sealed).unwrap().st_blocks * 512, 1 << 20);
    let too_large = SharedMemory::options().reserve(false).anonymous(1 << 45).unwrap();
    let refused = too_large.seal().unwrap_err();
    let reason = refused.reason();
    assert!(matches!(reason, SealErrorReason::Region(RegionError::NoMemory { .. })), "{reason:?}");
    assert_eq!(refused.into_inner().unwrap().size(), 1 << 45);
}

#[test]
fn what_is_not_sealed_does_not_arrive_as_sealed() {
    let arrived = |descriptor: Descriptor| -> Result<SealedMemory, _> {
        Parcel::encode(&descriptor).unwrap().decode()
    };
    let fixed = SealFlags::SHRINK | SealFlags::GROW;
    assert!(arrived(memfd(100, fixed)).is_err());
    assert!(arrived(memfd(100, SealFlags::WRITE | SealFlags::SHRINK)).is_err());
    assert!(arrived(OwnedFd::from(fs::File::open("/proc/self/exe").unwrap()).into()).is_err());
    let holes = arrived(memfd(1 << 40, fixed | SealFlags::WRITE)).unwrap_err();
    assert!(holes.to_string().contains("found a file of 0"), "{holes}");
}
