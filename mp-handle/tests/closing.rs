//! Descriptors that do not arrive are closed, and a process without room for them goes on.
//!
//! The tests count what is open in this process, so they run one after the other.

use std::env::current_exe;
use std::fs;
use std::os::fd::{AsFd, AsRawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use mp_handle::{Descriptor, Parcel, Post};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::ser::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[path = "common/handles.rs"]
mod handles;
use handles::{number_of, numbered};

/// Keeps the other tests waiting, and checks in the end that no more is open than at first.
struct Alone {
    open: usize,
    _guard: MutexGuard<'static, ()>,
}

impl Alone {
    fn new() -> Alone {
        static ALONE: Mutex<()> = Mutex::new(());
        let guard = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        Alone { open: open_descriptors(), _guard: guard }
    }

    #[track_caller]
    fn check(&self) {
        assert_eq!(open_descriptors(), self.open);
    }
}

fn open_descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

fn limit_descriptors(current: Option<u64>) {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current, maximum }).unwrap();
}

/// Many handles, more of them than one packet takes.
fn many() -> Vec<Descriptor> {
    (0..300).map(numbered).collect()
}

/// Carries handles, and fails on its way out or on its way in.
#[derive(Clone, Copy)]
enum Fails {
    Error,
    Panic,
    OnArrival,
}

impl Serialize for Fails {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let done = many()[..100].serialize(serializer)?;
        match self {
            Fails::Error => Err(S::Error::custom("no")),
            Fails::Panic => panic!("no"),
            Fails::OnArrival => Ok(done),
        }
    }
}

impl<'de> Deserialize<'de> for Fails {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let handles = Vec::<Descriptor>::deserialize(deserializer)?;
        assert!(number_of(&handles[99]) == 99 && handles.len() == 100);
        Err(serde::de::Error::custom("no"))
    }
}

#[test]
fn a_failed_encode_leaves_nothing_open() {
    let alone = Alone::new();
    let mut parcel = Parcel::new();
    assert!(Parcel::encode(&Fails::Error).is_err());
    assert!(parcel.push(&Fails::Error).is_err());
    alone.check();
    let push = AssertUnwindSafe(|| parcel.push(&Fails::Panic));
    assert!(catch_unwind(push).is_err());
    assert!(catch_unwind(|| Parcel::encode(&Fails::Panic)).is_err());
    alone.check();
}

#[test]
fn a_failed_decode_leaves_nothing_open() {
    let alone = Alone::new();
    let parcel = Parcel::encode(&Fails::OnArrival).unwrap();
    assert_eq!(parcel.descriptors().len(), 100);
    assert!(parcel.decode::<Fails>().is_err());
    alone.check();
    assert!(Parcel::encode(&many()[..50]).unwrap().decode::<String>().is_err());
    alone.check();
    assert!(Parcel::encode(&many()[..50]).unwrap().decode::<(Descriptor, String)>().is_err());
    alone.check();
}

#[test]
fn a_decoded_handle_is_closed_with_its_last_clone() {
    let alone = Alone::new();
    let first: Descriptor = Parcel::encode(&numbered(1)).unwrap().decode().unwrap();
    let second = first.clone();
    drop(first);
    assert_eq!(number_of(&second), 1);
    drop(second);
    alone.check();
}

#[test]
fn parcels_that_nobody_receives_are_closed() {
    let alone = Alone::new();
    let (ours, theirs) = Post::pair().unwrap();
    // Shows when the other end of this pipe is closed everywhere, also in the kernel.
    let (reader, writer) = std::io::pipe().unwrap();
    let mut handles = many();
    handles.push(Descriptor::from(std::os::fd::OwnedFd::from(writer)));
    let parcel = Parcel::encode(&handles).unwrap();
    ours.send(0, &parcel).unwrap();
    ours.send(0, &Parcel::encode(&vec![7u8; 1 << 20]).unwrap()).unwrap();
    drop((parcel, handles, ours, theirs));
    assert_eq!(std::io::read_to_string(reader).unwrap(), "");
    alone.check();
}

#[test]
fn a_parcel_that_is_not_sent_is_closed() {
    let alone = Alone::new();
    let (ours, theirs) = Post::pair().unwrap();
    drop(theirs);
    ours.send(0, &Parcel::encode(&many()).unwrap()).unwrap_err();
    ours.send(0, &Parcel::encode(&vec![7u8; 1 << 20]).unwrap()).unwrap_err();
    drop(ours);
    alone.check();
}

#[test]
fn a_receiver_at_its_limit_gets_an_error_and_goes_on() {
    let _alone = Alone::new();
    let mut child = Command::new(current_exe().unwrap());
    child.args(["--ignored", "--exact", "receive_at_the_limit"]);
    let output = child.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// Receives `parcel` with room for only so many descriptors.
fn receive_without_room(parcel: Parcel, room: u64) {
    let (ours, theirs) = Post::pair().unwrap();
    ours.send(0, &parcel).unwrap();
    ours.send(1, &Parcel::encode("next").unwrap()).unwrap();
    drop(parcel);
    let open = open_descriptors();
    // The lowest number that is free is that of the next descriptor.
    let next = numbered(0).as_fd().as_raw_fd() as u64;
    limit_descriptors(Some(next + room));
    let error = theirs.receive().unwrap_err();
    assert_eq!(Errno::from_io_error(&error), Some(Errno::MFILE), "{error}");
    let (tag, arrived) = theirs.receive().unwrap().unwrap();
    assert_eq!((tag, arrived.decode::<String>().unwrap().as_str()), (1, "next"));
    limit_descriptors(getrlimit(Resource::Nofile).maximum);
    assert_eq!(open_descriptors(), open);
}

#[test]
#[ignore = "the child of the test above"]
fn receive_at_the_limit() {
    limit_descriptors(getrlimit(Resource::Nofile).maximum);
    let parcel = |count| Parcel::encode(&many()[..count]).unwrap();
    for room in [0, 1, 4] {
        receive_without_room(parcel(5), room);
        receive_without_room(parcel(300), room);
    }
    receive_without_room(parcel(300), 253);
    receive_without_room(parcel(300), 299);
    receive_without_room(Parcel::encode(&vec![7u8; 1 << 20]).unwrap(), 0);
}
