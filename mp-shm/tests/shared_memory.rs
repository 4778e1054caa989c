//! Shared memory of every size, read, written and sent.

mod common {
    pub(crate) mod parcel;
    pub(crate) mod random;
    pub(crate) mod watchdog;
}

use std::sync::atomic::Ordering::Relaxed;

use common::parcel::arrive;
use common::random::Random;
use common::watchdog::watchdog;
use mp_process::spawn;
use mp_shm::{RegionError, SegmentError, SharedMemory};
use rustix::param::page_size;

fn name(what: &str) -> String {
    format!("memory-{what}-{}", std::process::id())
}

fn read<const N: usize>(memory: &SharedMemory, offset: usize) -> [u8; N] {
    let mut bytes = [0; N];
    memory.read(offset, &mut bytes).unwrap();
    bytes
}

#[test]
fn smoke() {
    let memory = SharedMemory::new(100).unwrap();
    let other = memory.clone();
    memory.write(95, b"hello").unwrap();
    assert_eq!(&read(&other, 95), b"hello");
    assert_eq!(format!("{memory:?}"), "SharedMemory { name: None, size: 100, .. }");
    assert!(!memory.is_read_only());
}

#[test]
fn every_size_works_up_to_its_last_byte() {
    let page = page_size();
    for size in [1, page - 1, page, page + 1, 3 * page + 8] {
        let unique = SharedMemory::create_unique(size).unwrap();
        SharedMemory::unlink(unique.name().unwrap()).unwrap();
        for memory in [SharedMemory::new(size).unwrap(), unique] {
            assert_eq!(memory.size(), size);
            memory.write(size - 1, b"!").unwrap();
            assert_eq!(&read(&arrive(&memory), size - 1), b"!");
            let error = memory.write(size, b"?").unwrap_err();
            assert_eq!(error, SegmentError::OutOfBounds { offset: size, size: 1, len: size });
            memory.write(size, b"").unwrap();
        }
    }
}

#[test]
fn size_zero_is_memory_without_bytes_or_an_error() {
    let memory = SharedMemory::new(0).unwrap();
    memory.write(0, b"").unwrap();
    assert!(memory.read(0, &mut [0]).is_err());
    assert!(memory.atomic_u32(0).is_err());
    assert_eq!(arrive(&memory).size(), 0);
    assert_eq!(memory.seal().unwrap().len(), 0);
    let error = SharedMemory::create(name("zero"), 0).unwrap_err();
    assert!(matches!(error, RegionError::Empty { .. }), "{error:?}");
}

#[test]
fn five_sparse_gibibytes_take_the_pages_that_are_touched() {
    let size = 5 << 30;
    let memory = SharedMemory::options().reserve(false).anonymous(size).unwrap();
    memory.write(size - 1, b"!").unwrap();
    memory.atomic_u64(size / 2).unwrap().store(7, Relaxed);
    let there = arrive(&memory);
    assert_eq!((&read(&there, size - 1), read::<1>(&there, size / 2)), (b"!", [7]));
    assert!(rustix::fs::fstat(&memory).unwrap().st_blocks <= 64);
}

#[test]
fn what_was_created_has_its_pages() {
    let memory = SharedMemory::new(1 << 20).unwrap();
    assert_eq!(rustix::fs::fstat(&memory).unwrap().st_blocks * 512, 1 << 20);
}

/// Row 29: an error when it is created, not a signal when it is used.
#[test]
fn more_than_there_is_memory_is_an_error_at_creation() {
    for size in [1 << 50, isize::MAX as usize] {
        let errors = [
            SharedMemory::new(size).unwrap_err(),
            SharedMemory::create(name("huge"), size).unwrap_err(),
            SharedMemory::options().reserve(false).prefault(true).anonymous(1 << 45).unwrap_err(),
        ];
        for error in errors {
            assert!(matches!(error, RegionError::NoMemory { .. }), "{error:?}");
        }
    }
    for options in [SharedMemory::options(), SharedMemory::options().reserve(false)] {
        let error = options.anonymous(usize::MAX).unwrap_err();
        assert!(matches!(error, RegionError::TooLarge { .. }), "{error:?}");
        assert!(options.anonymous(isize::MAX as usize).is_err());
    }
    assert!(matches!(SharedMemory::open(name("huge")), Err(RegionError::NotFound { .. })));
}

#[test]
fn no_access_leaves_the_bounds() {
    let memory = SharedMemory::new(100).unwrap();
    let mut random = Random::new(1);
    for _ in 0..10_000 {
        let offset = [random.below(110), usize::MAX - random.below(110)][random.below(2)];
        let bytes = random.bytes(110);
        let fits = offset.checked_add(bytes.len()).is_some_and(|end| end <= 100);
        assert_eq!(memory.write(offset, &bytes).is_ok(), fits, "{offset} {}", bytes.len());
        assert_eq!(memory.read(offset, &mut vec![0; bytes.len()]).is_ok(), fits);
        let word = offset <= 96 && offset.is_multiple_of(4);
        assert_eq!(memory.atomic_u32(offset).is_ok(), word, "{offset}");
        let double = offset <= 92 && offset.is_multiple_of(8);
        assert_eq!(memory.atomic_u64(offset).is_ok(), double, "{offset}");
    }
}

#[test]
fn read_only_memory_refuses_all_writing() {
    let name = name("reader");
    let memory = SharedMemory::create(&name, 64).unwrap();
    let reader = SharedMemory::open_read_only(&name).unwrap();
    SharedMemory::unlink(&name).unwrap();
    memory.write(3, b"seen").unwrap();
    for mut reader in [arrive(&reader), reader] {
        assert!(reader.is_read_only());
        assert_eq!(&read(&reader, 3), b"seen");
        assert_eq!(reader.write(0, b"x"), Err(SegmentError::ReadOnly));
        assert_eq!(reader.atomic_u32(0).unwrap_err(), SegmentError::ReadOnly);
        assert_eq!(reader.atomic_u64(0).unwrap_err(), SegmentError::ReadOnly);
        // SAFETY: it is refused, and nobody else writes.
        let refused = unsafe { reader.as_mut_slice() }.unwrap_err();
        assert_eq!(refused, SegmentError::ReadOnly);
    }
}

#[test]
fn the_options_give_the_same_memory() {
    let name = name("options");
    let options = SharedMemory::options().huge_pages(true).prefault(true);
    let memory = options.create(&name, 3 << 20).unwrap();
    let opened = [options.open(&name).unwrap(), options.open_read_only(&name).unwrap()];
    SharedMemory::unlink(&name).unwrap();
    memory.write(2 << 20, b"here").unwrap();
    for other in &opened {
        assert_eq!(&read(other, 2 << 20), b"here");
    }
    let anonymous = options.reserve(false).anonymous(1 << 20).unwrap();
    assert_eq!(rustix::fs::fstat(&anonymous).unwrap().st_blocks * 512, 1 << 20);
}

fn increment(memories: Vec<SharedMemory>) {
    for memory in &memories {
        memory.atomic_u64(8).unwrap().fetch_add(1, Relaxed);
    }
}

/// Row 27: those who came and went leave the memory as it is, and its name.
#[mp_process::test]
fn who_attaches_and_exits_destroys_nothing() {
    let _watchdog = watchdog();
    let name = name("attached");
    let both = vec![SharedMemory::new(16).unwrap(), SharedMemory::create(&name, 16).unwrap()];
    for _ in 0..3 {
        spawn(increment, (both.clone(),)).unwrap().join().unwrap();
    }
    for memory in both.iter().chain([&SharedMemory::open(&name).unwrap()]) {
        assert_eq!(memory.atomic_u64(8).unwrap().load(Relaxed), 3);
    }
    SharedMemory::unlink(&name).unwrap();
}

#[test]
fn a_handle_keeps_its_name_when_it_travels() {
    let name = name("travels");
    let memory = SharedMemory::create(&name, 16).unwrap();
    assert_eq!(arrive(&memory).name(), Some(&*name));
    SharedMemory::unlink(&name).unwrap();
    assert_eq!(arrive(&memory).size(), 16);
    assert!(serde_json::to_string(&memory).unwrap_err().to_string().contains("Parcel"));
}

#[mp_process::test]
fn what_a_process_without_an_output_prints_does_not_go_into_memory() {
    let _watchdog = watchdog();
    fn print() -> [u8; 8] {
        // SAFETY: what is printed from now on is lost, and nothing else.
        unsafe { rustix::io::close(1) };
        let memory = SharedMemory::new(8).unwrap();
        println!("not into memory");
        read(&memory, 0)
    }
    assert_eq!(spawn(print, ()).unwrap().join().unwrap(), [0; 8]);
}
