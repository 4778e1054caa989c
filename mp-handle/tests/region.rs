//! Regions: shared memory that says what it is, and whose absence is an error.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::fd::{AsFd, OwnedFd};
use std::process::Command;
use std::sync::atomic::Ordering;

use mp_handle::{Bell, Descriptor, Kind, OutOfRegion, Parcel, Region, RegionError, Signal};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use rustix::io::pwrite;
use rustix::process::{Resource, Rlimit, setrlimit};

const PAD: Kind = Kind::new(1000, "pad");
const LOCK: Kind = Kind::new(1001, "lock");
const FIXED: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::SEAL);

/// Makes what a stranger might send: a memfd of the given bytes, size and seals.
fn stranger(bytes: &[u8], size: u64, seals: SealFlags) -> Descriptor {
    let fd = memfd_create("stranger", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
    pwrite(&fd, bytes, 0).unwrap();
    ftruncate(&fd, size).unwrap();
    fcntl_add_seals(&fd, seals).unwrap();
    Descriptor::from(fd)
}

/// Returns the header of a region of 100 bytes, to be spoiled.
fn header() -> Vec<u8> {
    let region = Region::create(PAD, 7, 100).unwrap();
    let mut bytes = vec![0; 64];
    rustix::io::pread(region.descriptor().as_fd(), &mut bytes, 0).unwrap();
    bytes
}

fn open(descriptor: Descriptor) -> Result<Region, RegionError> {
    Region::from_descriptor(descriptor, PAD, 7)
}

/// Runs this test alone in a process of its own; returns true in that process.
fn is_own_process(test: &str) -> bool {
    if std::env::var_os("MP_OWN_PROCESS").is_some() {
        return true;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env("MP_OWN_PROCESS", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("1 passed"), "{text}");
    false
}

#[test]
fn smoke() {
    let region = Region::create(PAD, 7, 100).unwrap();
    assert_eq!((region.len(), region.as_ptr() as usize % 64), (100, 0));
    region.write(10, b"hello").unwrap();

    let peer = open(region.descriptor().clone()).unwrap();
    assert_ne!(peer.as_ptr(), region.as_ptr());
    let mut out = b"> ".to_vec();
    peer.read_to(10, 5, &mut out).unwrap();
    assert_eq!(out, b"> hello");

    peer.atomic_u64(40).unwrap().store(3, Ordering::Release);
    let word = region.atomic_u64(40).unwrap();
    assert_eq!(word.load(Ordering::Acquire), 3);
    assert!(format!("{region:?}").contains("pad"));
}

#[test]
fn memory_outlives_the_region_it_was_created_by() {
    let region = Region::create(PAD, 7, 100).unwrap();
    region.write(0, &[42]).unwrap();
    let descriptor = region.descriptor().clone();
    drop(region);
    let mut byte = [0];
    open(descriptor).unwrap().read(0, &mut byte).unwrap();
    assert_eq!(byte, [42]);
}

#[test]
fn regions_and_bells_travel_in_a_parcel() {
    let sent = (Region::create(PAD, 7, 100).unwrap(), Bell::new().unwrap());
    let parcel = Parcel::encode(&sent).unwrap();
    let (region, bell): (Region, Bell) = parcel.decode().unwrap();
    assert!(region.expect(PAD, 7).is_ok());
    assert!(region.expect(LOCK, 7).is_err());
    sent.0.write(99, &[42]).unwrap();
    let mut byte = [0];
    region.read(99, &mut byte).unwrap();
    assert_eq!(byte, [42]);
    bell.arm();
    sent.1.ring();
    assert!(bell.clear().unwrap());

    let (file, lock) = (Descriptor::from(OwnedFd::from(std::io::pipe().unwrap().0)), &region);
    assert!(Parcel::encode(&file).unwrap().decode::<Region>().is_err());
    let bell = Parcel::encode(&(lock, file)).unwrap().decode::<Bell>();
    assert!(bell.unwrap_err().to_string().contains("expected bell (layout 1), found pad"));
}

#[test]
fn accesses_beyond_the_end_are_refused() {
    let region = Region::create(PAD, 7, 100).unwrap();
    let mut byte = [0];
    for offset in [100, 101, usize::MAX - 64, usize::MAX] {
        assert!(region.read(offset, &mut byte).is_err());
        assert!(region.write(offset, &byte).is_err());
        assert!(region.read_to(offset, 1, &mut Vec::new()).is_err());
        assert!(region.atomic_u32(offset).is_err());
        assert!(region.atomic_u64(offset).is_err());
        assert!(Signal::at(&region, offset).is_err());
    }
    assert!(region.read_to(1, usize::MAX, &mut Vec::new()).is_err());
    assert!(region.atomic_u64(96).is_err(), "only half inside");
    assert!(region.atomic_u32(96).is_ok());
    assert!(Signal::at(&region, 64).is_err(), "only half inside");
    assert!(region.write(100, &[]).is_ok(), "nothing at the end");
}

#[test]
fn words_across_their_alignment_are_refused() {
    let region = Region::create(PAD, 7, 200).unwrap();
    let refused: OutOfRegion = region.atomic_u64(4).unwrap_err();
    assert_eq!((refused.offset, refused.align), (4, 8));
    assert!(refused.to_string().contains("aligned to 8"), "{refused}");
    assert!(region.atomic_u32(2).is_err());
    assert!(Signal::at(&region, 32).is_err());
}

#[test]
fn the_wrong_kind_names_both_sides() {
    let descriptor = Region::create(LOCK, 7, 100).unwrap().descriptor().clone();
    let error = open(descriptor).unwrap_err();
    assert!(matches!(error, RegionError::Kind { expected: PAD, found: LOCK, .. }));
    let text = error.to_string();
    assert_eq!(text, "expected pad (layout 1), found lock (layout 1)");
}

#[test]
fn the_wrong_fingerprint_names_both_sides() {
    let region = Region::create(PAD, 8, 100).unwrap();
    assert!(region.expect(PAD, 8).is_ok());
    let error = open(region.descriptor().clone()).unwrap_err();
    assert!(matches!(error, RegionError::Fingerprint { expected: 7, found: 8, .. }));
}

#[test]
fn whatever_could_shrink_is_refused() {
    for seals in [SealFlags::empty(), SealFlags::SHRINK, SealFlags::GROW | SealFlags::SEAL] {
        let error = open(stranger(&header(), 164, seals)).unwrap_err();
        assert!(matches!(error, RegionError::NotSealed), "{seals:?}: {error}");
    }
    assert!(open(stranger(&header(), 164, FIXED)).is_ok());
}

#[test]
fn whatever_is_no_memory_is_refused() {
    let file = File::open(std::env::current_exe().unwrap()).unwrap();
    let (pipe, _) = std::io::pipe().unwrap();
    for fd in [OwnedFd::from(file), OwnedFd::from(pipe)] {
        let error = open(Descriptor::from(fd)).unwrap_err();
        assert!(matches!(error, RegionError::NotMemory), "{error}");
    }
}

#[test]
fn spoiled_headers_are_refused() {
    let spoil = |offset: usize, with: u8| {
        let mut bytes = header();
        bytes[offset] ^= with;
        open(stranger(&bytes, 164, FIXED)).unwrap_err()
    };
    assert!(matches!(spoil(0, 1), RegionError::NoHeader));
    assert!(matches!(spoil(8, 3), RegionError::Layout { expected: 1, found: 2 }));
    assert!(matches!(spoil(12, 1), RegionError::Kind { .. }));
    assert!(matches!(spoil(16, 1), RegionError::PidNamespace { .. }));
    assert!(matches!(spoil(24, 1), RegionError::Fingerprint { .. }));
    assert!(matches!(spoil(32, 1), RegionError::Length { stated: 101, size: 164 }));
    assert!(matches!(spoil(39, 0xff), RegionError::Length { .. }));
    assert!(matches!(spoil(40, 0x80), RegionError::Kind { .. }));
}

#[test]
fn files_of_the_wrong_size_are_refused() {
    for size in [0, 1, 63] {
        let error = open(stranger(&header(), size, FIXED)).unwrap_err();
        assert!(matches!(error, RegionError::Truncated { size: found } if found == size));
    }
    for size in [64, 163, 165, 1 << 40] {
        let error = open(stranger(&header(), size, FIXED)).unwrap_err();
        assert!(matches!(error, RegionError::Length { stated: 100, size: found } if found == size));
    }
}

#[test]
fn a_spoiled_name_is_printed_without_control_characters() {
    let mut bytes = header();
    bytes[40..64]
        .copy_from_slice(b"\x1b[2J evil \n\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff");
    let error = open(stranger(&bytes, 164, FIXED)).unwrap_err();
    assert!(error.to_string().ends_with("found [2J evil  (layout 1)"), "{error}");
}

#[test]
fn what_a_peer_writes_over_the_header_changes_nothing() {
    let region = Region::create(PAD, 7, 100).unwrap();
    let peer = open(region.descriptor().clone()).unwrap();
    pwrite(region.descriptor().as_fd(), &[0xff; 64], 0).unwrap();
    assert_eq!(peer.len(), 100);
    assert!(peer.expect(PAD, 7).is_ok());
    assert!(peer.write(100, &[1]).is_err());
}

#[test]
fn more_memory_than_there_is_is_an_error() {
    if !is_own_process("more_memory_than_there_is_is_an_error") {
        return;
    }
    // Should the library fail, then this process is the one that the kernel kills.
    fs::write("/proc/self/oom_score_adj", "1000").unwrap();
    for len in [1 << 46, 1 << 50, 1 << 62] {
        let error = Region::create(PAD, 0, len).unwrap_err();
        assert!(matches!(error, RegionError::NoMemory { .. }), "{error}");
        assert_eq!(std::io::Error::from(error).kind(), ErrorKind::OutOfMemory);
    }
    for len in [usize::MAX / 2, usize::MAX] {
        let error = Region::create(PAD, 0, len).unwrap_err();
        assert!(matches!(error, RegionError::TooLarge { len: named } if named == len));
    }
}

#[test]
fn more_than_the_file_size_limit_is_an_error_and_not_a_signal() {
    if !is_own_process("more_than_the_file_size_limit_is_an_error_and_not_a_signal") {
        return;
    }
    let limit = Some(1 << 16);
    setrlimit(Resource::Fsize, Rlimit { current: limit, maximum: limit }).unwrap();
    assert!(Region::create(PAD, 0, (1 << 16) - 64).is_ok());
    let error = Region::create(PAD, 0, (1 << 16) - 63).unwrap_err();
    assert!(matches!(error, RegionError::FileSizeLimit { limit: 65536, .. }), "{error}");
}

#[test]
fn descriptors_are_closed() {
    if !is_own_process("descriptors_are_closed") {
        return;
    }
    let count = || fs::read_dir("/proc/self/fd").unwrap().count();
    let before = count();
    for _ in 0..10 {
        let region = Region::create(PAD, 7, 100).unwrap();
        let peer = open(region.descriptor().clone()).unwrap();
        let bell = Bell::new().unwrap();
        assert!(count() > before, "each has descriptors: {peer:?} {bell:?}");
        assert!(Region::from_descriptor(peer.descriptor().clone(), LOCK, 7).is_err());
        assert!(Region::create(PAD, 7, 1 << 50).is_err());
    }
    assert_eq!(count(), before);
}
