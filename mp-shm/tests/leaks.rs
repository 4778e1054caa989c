//! What was created is gone with the last who had it, however that one ended.

mod common {
    pub(crate) mod watchdog;
}

use std::env;
use std::fs;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use common::watchdog::watchdog;
use mp_handle::Descriptor;
use mp_process::{Process, spawn};
use mp_shm::{Item, RegionError, ShareableList, SharedMemory};
use rustix::process::{Resource, Rlimit, setrlimit};

/// Descriptors and mappings are counted, so no two tests may make them at once.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

fn mappings_of_segments() -> usize {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    maps.lines().filter(|line| line.contains("mp-segment") || line.contains("/dev/shm/")).count()
}

/// Files of shared memory whose names tell that a process made them.
fn files_of(pid: u32) -> Vec<PathBuf> {
    let files = fs::read_dir("/dev/shm").unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.to_string_lossy().contains(&format!("-{pid}-"))).collect()
}

fn cycle(number: usize) {
    let memory = SharedMemory::new(4096).unwrap();
    memory.write(number % 4096, b"x").unwrap();
    drop(memory.clone());
    drop(memory.seal().unwrap());
    let name = format!("leaks-{}-{number}", std::process::id());
    let named = SharedMemory::create(&name, 100).unwrap();
    drop(SharedMemory::open(&name).unwrap());
    SharedMemory::unlink(&name).unwrap();
    drop(named);
    ShareableList::new([number as u32]).unwrap().get(0).unwrap();
    assert!(ShareableList::attach(SharedMemory::new(8).unwrap()).is_err());
}

/// Row 28. `SHM_CYCLES=100000` makes it the long form.
#[test]
fn create_and_drop_leave_nothing() {
    let _watchdog = watchdog();
    let _alone = alone();
    let cycles = env::var("SHM_CYCLES").ok().map_or(2_000, |count| count.parse().unwrap());
    cycle(0);
    let before = (descriptors(), mappings_of_segments());
    (1..=cycles).for_each(cycle);
    assert_eq!((descriptors(), mappings_of_segments()), before);
    assert_eq!(files_of(std::process::id()), Vec::<PathBuf>::new());
}

fn pipe() -> (PipeReader, Descriptor) {
    let (reader, writer) = io::pipe().unwrap();
    (reader, OwnedFd::from(writer).into())
}

/// Tells how many names the files of this process's descriptors have in the folder of shared
/// memory, and how many of them are anonymous; then it stays.
fn report_and_stay(to: Descriptor) {
    let links = fs::read_dir("/proc/self/fd").unwrap();
    let links: Vec<_> =
        links.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok()).collect();
    let count =
        |start: &str| links.iter().filter(|link| link.to_string_lossy().starts_with(start)).count();
    let report = [count("/dev/shm/"), count("/memfd:mp-segment")].map(|count| count as u8);
    PipeWriter::from(to.into_owned().unwrap()).write_all(&report).unwrap();
    loop {
        thread::park();
    }
}

fn heir(memories: Vec<SharedMemory>, lists: Vec<ShareableList>, to: Descriptor) {
    assert_eq!((memories.len(), lists.len()), (50, 50));
    report_and_stay(to);
}

fn founder(to: Descriptor) {
    let new = |size| SharedMemory::new(size).unwrap();
    let memories: Vec<_> = (1..=50).map(new).collect();
    let lists = (1..=50).map(|number| ShareableList::new([Item::from(number)]).unwrap());
    let lists: Vec<_> = lists.collect();
    let _heir = spawn(heir, (memories.clone(), lists.clone(), to.clone())).unwrap();
    report_and_stay(to);
}

/// Row 28, and 31: without a name and without a tracker there is nothing to clean up.
#[mp_process::test]
fn a_killed_family_with_a_hundred_objects_leaves_nothing() {
    let _watchdog = watchdog();
    let _alone = alone();
    // What the first start of a process opens for good is none of what is counted.
    spawn(|| (), ()).unwrap().join().unwrap();
    let before = descriptors();
    let (mut reader, writer) = pipe();
    let process = Process::builder().daemon(true).spawn(founder, (writer,)).unwrap();
    let mut reports = [0; 4];
    reader.read_exact(&mut reports).unwrap();
    assert_eq!(reports, [0, 100, 0, 100]);
    process.kill().unwrap();
    assert!(process.join().is_err());
    // The end of the file comes when nobody of them is left.
    assert_eq!(reader.read(&mut reports).unwrap(), 0);
    drop(reader);
    assert_eq!(descriptors(), before);
}

fn beyond_the_limit() -> Vec<String> {
    let limit = Rlimit { current: Some(1 << 20), maximum: Some(1 << 20) };
    setrlimit(Resource::Fsize, limit).unwrap();
    let (size, sparse) = (2 << 20, SharedMemory::options().reserve(false));
    let name = format!("limit-{}-", std::process::id());
    let made = [
        SharedMemory::new(size),
        SharedMemory::create(&name, size),
        sparse.anonymous(size),
        sparse.create(&name, size),
    ];
    assert_eq!(files_of(std::process::id()), Vec::<PathBuf>::new());
    made.map(|made| made.unwrap_err().to_string()).into()
}

#[mp_process::test]
fn the_file_size_limit_is_an_error_and_no_signal() {
    let _watchdog = watchdog();
    let _alone = alone();
    let errors = spawn(beyond_the_limit, ()).unwrap().join().unwrap();
    assert_eq!(errors, ["2097152 shared bytes exceed the file size limit of 1048576"; 4]);
}

/// Row 29. The folder is full in a mount namespace of its own, see below.
#[test]
fn a_full_folder_is_an_error_at_creation() {
    let _watchdog = watchdog();
    let _alone = alone();
    let script = "mount -t tmpfs -o size=1m none /dev/shm && exec \"$0\" --ignored --exact \
                  in_a_small_folder";
    let mut command = Command::new("unshare");
    let test = env::current_exe().unwrap();
    let able = command.args(["-rm", "true"]).status().is_ok_and(|status| status.success());
    if !able {
        println!("skipped: no namespaces here");
        return;
    }
    let output = Command::new("unshare").args(["-rm", "sh", "-c", script]).arg(test).output();
    let output = output.unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
#[ignore = "for a namespace whose folder of shared memory has one mebibyte"]
fn in_a_small_folder() {
    let half = SharedMemory::create("half", 512 << 10).unwrap();
    for name in ["half", "whole"] {
        let full = SharedMemory::create(name, 1 << 20).unwrap_err();
        let RegionError::Io(error) = full else { panic!("{full:?}") };
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
    assert_eq!(fs::read_dir("/dev/shm").unwrap().count(), 1);
    // What failed has given its pages back.
    let rest = SharedMemory::create("rest", 512 << 10).unwrap();
    for memory in [half, rest] {
        memory.write((512 << 10) - 1, b"!").unwrap();
    }
}
