//! Both ends of a pipe.

mod common {
    pub(crate) mod idle;
    pub(crate) mod watchdog;
}

use std::os::fd::OwnedFd;
use std::thread;
use std::time::{Duration, Instant};

use common::idle::is_idle;
use common::watchdog::watchdog;
use mp_handle::Descriptor;
use mp_queue::connection::{Connection, RecvError, SendError, pipe};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};

const SHORT: Duration = Duration::from_millis(20);

/// Sends everything back.
fn echo(peer: Connection<Vec<u8>, Vec<u8>>) {
    while let Ok(message) = peer.recv() {
        peer.send(&message).unwrap();
    }
}

#[mp_process::test]
fn messages_of_all_sizes_go_to_a_child_and_back() {
    let _watchdog = watchdog();
    let (ours, theirs) = pipe().unwrap();
    let child = mp_process::spawn(echo, (theirs,)).unwrap();
    for size in [0, 1, 16 << 10, (16 << 10) + 1, 1 << 20, 20 << 20] {
        let message: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
        ours.send(&message).unwrap();
        assert!(ours.recv().unwrap() == message);
    }
    drop(ours);
    child.join().unwrap();
}

fn answer(peer: Connection<u32, Connection<u32, ()>>) {
    peer.recv().unwrap().send(&42).unwrap();
}

#[mp_process::test]
fn connections_travel_through_connections() {
    let _watchdog = watchdog();
    let (ours, theirs) = pipe::<Connection<u32, ()>, u32>().unwrap();
    let child = mp_process::spawn(answer, (theirs,)).unwrap();
    let (reader, writer) = pipe::<(), u32>().unwrap();
    ours.send(&writer).unwrap();
    drop(writer);
    assert_eq!(reader.recv().unwrap(), 42);
    child.join().unwrap();
    assert!(matches!(reader.recv(), Err(RecvError::Disconnected)));
}

#[test]
fn what_was_sent_before_the_end_arrives() {
    let (ours, theirs) = pipe::<u32, ()>().unwrap();
    ours.send(&1).unwrap();
    ours.send(&2).unwrap();
    drop(ours);
    assert_eq!((theirs.recv().unwrap(), theirs.recv().unwrap()), (1, 2));
    assert!(matches!(theirs.recv(), Err(RecvError::Disconnected)));
    assert!(matches!(theirs.send(&()), Err(SendError::Disconnected)));
    assert!(theirs.poll(Duration::MAX));
}

#[test]
fn a_full_pipe_times_out_and_goes_on() {
    let _watchdog = watchdog();
    let (ours, theirs) = pipe::<Vec<u8>, ()>().unwrap();
    let mut sent = 0;
    while ours.try_send(&vec![7; 1000]).is_ok() {
        sent += 1;
    }
    let start = Instant::now();
    assert!(matches!(ours.send_timeout(&vec![7; 1000], SHORT), Err(SendError::TimedOut)));
    assert!(start.elapsed() >= SHORT);
    thread::scope(|scope| {
        scope.spawn(|| ours.send(&vec![8; 1000]).unwrap());
        for _ in 0..sent {
            assert_eq!(theirs.recv().unwrap(), [7; 1000]);
        }
        assert_eq!(theirs.recv().unwrap(), [8; 1000]);
    });
}

#[test]
fn an_empty_pipe_times_out() {
    let (ours, theirs) = pipe::<u32, ()>().unwrap();
    assert!(matches!(theirs.try_recv(), Err(RecvError::TimedOut)));
    assert!(!theirs.poll(Duration::ZERO));
    let start = Instant::now();
    assert!(matches!(theirs.recv_timeout(SHORT), Err(RecvError::TimedOut)));
    assert!(start.elapsed() >= SHORT);
    ours.send(&1).unwrap();
    assert!(theirs.poll(Duration::MAX));
    assert_eq!(theirs.recv_timeout(Duration::MAX).unwrap(), 1);
}

/// A type that travels one way only, and only sometimes.
#[derive(Debug, PartialEq, Eq)]
struct Picky(u8);

impl Serialize for Picky {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            0 => Err(serde::ser::Error::custom("not today")),
            n => n.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Picky {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u8::deserialize(deserializer)? {
            13 => Err(serde::de::Error::custom("unlucky")),
            n => Ok(Self(n)),
        }
    }
}

#[test]
fn a_message_that_cannot_be_coded_harms_no_other() {
    let (ours, theirs) = pipe::<Picky, ()>().unwrap();
    let error = ours.send(&Picky(0)).unwrap_err();
    assert!(matches!(&error, SendError::Codec(error) if error.to_string() == "not today"));
    ours.send(&Picky(13)).unwrap();
    ours.send(&Picky(1)).unwrap();
    let error = theirs.recv().unwrap_err();
    assert!(matches!(&error, RecvError::Codec(error) if error.to_string() == "unlucky"));
    assert_eq!(theirs.recv().unwrap(), Picky(1));
}

#[test]
fn threads_share_both_ends() {
    let _watchdog = watchdog();
    let (ours, theirs) = pipe::<Vec<u32>, ()>().unwrap();
    let total: usize = thread::scope(|scope| {
        let takers: Vec<_> = (0..4).map(|_| scope.spawn(|| take_all(&theirs))).collect();
        let senders: Vec<_> = (0..4)
            .map(|sender| {
                let ours = &ours;
                scope.spawn(move || {
                    for n in 0..5000 {
                        ours.send(&vec![sender; n % 50 * 60]).unwrap();
                    }
                })
            })
            .collect();
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        for _ in 0..4 {
            ours.send(&vec![99]).unwrap();
        }
        takers.into_iter().map(|taker| taker.join().unwrap()).sum()
    });
    assert_eq!(total, 4 * 100 * 60 * (0..50).sum::<usize>());
}

/// Takes messages until one says the end, and returns how many numbers were in them.
fn take_all(connection: &Connection<(), Vec<u32>>) -> usize {
    let mut total = 0;
    loop {
        let message = connection.recv().unwrap();
        if message == [99] {
            return total;
        }
        total += message.len();
    }
}

fn null() -> Descriptor {
    OwnedFd::from(std::fs::File::open("/dev/null").unwrap()).into()
}

fn count(peer: Connection<usize, Vec<Descriptor>>, limit: Option<u64>) {
    if let Some(limit) = limit {
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: Some(limit), maximum }).unwrap();
    }
    loop {
        match peer.recv() {
            Ok(descriptors) => peer.send(&descriptors.len()).unwrap(),
            Err(RecvError::TooManyDescriptors) => peer.send(&usize::MAX).unwrap(),
            Err(RecvError::Disconnected) => return,
            Err(error) => panic!("{error}"),
        }
    }
}

#[mp_process::test]
fn more_handles_than_the_system_takes_at_once_travel() {
    let _watchdog = watchdog();
    let (ours, theirs) = pipe().unwrap();
    let child = mp_process::spawn(count, (theirs, None)).unwrap();
    for handles in [1, 252, 253, 254, 600] {
        ours.send(&(0..handles).map(|_| null()).collect()).unwrap();
        assert_eq!(ours.recv().unwrap(), handles);
    }
    drop(ours);
    child.join().unwrap();
}

#[mp_process::test]
fn too_many_handles_for_the_receiver_are_its_error_and_the_next_message_arrives() {
    let _watchdog = watchdog();
    let (ours, theirs) = pipe().unwrap();
    let child = mp_process::spawn(count, (theirs, Some(100))).unwrap();
    for (handles, answer) in [(20, 20), (200, usize::MAX), (300, usize::MAX), (20, 20)] {
        ours.send(&(0..handles).map(|_| null()).collect()).unwrap();
        assert_eq!(ours.recv().unwrap(), answer);
    }
    drop(ours);
    child.join().unwrap();
}

#[test]
fn large_messages_wait_for_those_that_lie_unread() {
    let _watchdog = watchdog();
    let (ours, theirs) = pipe::<Vec<u8>, ()>().unwrap();
    let message = vec![7; 8 << 20];
    // Eight are 64 MiB, less what comes with each.
    for _ in 0..7 {
        ours.try_send(&message).unwrap();
    }
    assert!(matches!(ours.try_send(&message), Err(SendError::TimedOut)));
    assert!(matches!(ours.try_send(&vec![1]), Err(SendError::TimedOut)));
    thread::scope(|scope| {
        scope.spawn(|| {
            ours.send(&message).unwrap();
            (0..100).for_each(|_| ours.send(&vec![8; 16_000]).unwrap());
        });
        (0..8).for_each(|_| assert!(theirs.recv().unwrap() == message));
        (0..100).for_each(|_| assert!(theirs.recv().unwrap() == [8; 16_000]));
    });
}

#[test]
fn a_message_larger_than_all_that_may_lie_unread_waits_for_all_but_one() {
    let (ours, theirs) = pipe::<Vec<u8>, ()>().unwrap();
    let message = vec![7; 65 << 20];
    ours.try_send(&message).unwrap();
    ours.try_send(&message).unwrap();
    assert!(matches!(ours.try_send(&message), Err(SendError::TimedOut)));
    assert!(theirs.recv().unwrap() == message);
    ours.try_send(&message).unwrap();
}

fn wait_idly(peer: Connection<bool, ()>) {
    // From now on it knows where the other end runs, and would spin for it.
    peer.recv().unwrap();
    let is_idle = is_idle(Duration::from_millis(10), || {
        assert!(!peer.poll(Duration::from_secs(1)));
        assert!(matches!(peer.recv_timeout(Duration::from_secs(1)), Err(RecvError::TimedOut)));
    });
    peer.send(&is_idle).unwrap();
}

#[mp_process::test]
fn to_wait_is_to_sleep() {
    let _watchdog = watchdog();
    let (ours, theirs) = pipe().unwrap();
    let child = mp_process::spawn(wait_idly, (theirs,)).unwrap();
    ours.send(&()).unwrap();
    assert!(ours.recv().unwrap(), "10 ms or more of two seconds");
    child.join().unwrap();
}
