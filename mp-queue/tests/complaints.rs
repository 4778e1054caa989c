//! What users complain about in other libraries' queues, and what this one guarantees instead.

mod common {
    pub(crate) mod watchdog;
}

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use common::watchdog::watchdog;
use mp_process::{Limit, Process, spawn};
use mp_queue::connection::{
    AcceptError, Address, ByteConnection, Client, Listener, RecvBytesError,
};
use mp_queue::{GetError, JoinError, JoinableQueue, PutReason, Queue};
use serde::{Serialize, Serializer};

#[mp_process::test]
fn row_15_accept_has_a_timeout_and_mismatched_peers_block_nobody() {
    let _watchdog = watchdog();
    let timeout = Duration::from_millis(5);
    let address = Address::private().unwrap();
    let listener = Listener::builder().key("secret").bind(&address).unwrap();
    assert!(matches!(listener.accept_timeout(timeout), Err(AcceptError::TimedOut)));
    let Address::Unix(path) = &address else { panic!("{address}") };
    // One says nothing, one talks nonsense, one has another key.
    let _silent = UnixStream::connect(path).unwrap();
    UnixStream::connect(path).unwrap().write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    thread::scope(|scope| {
        let connect = |key: &'static str| Client::builder().key(key).connect(address.clone());
        let stranger = scope.spawn(move || connect("another").is_err());
        let friend = scope.spawn(move || connect("secret").is_ok());
        listener.accept().unwrap();
        assert!(friend.join().unwrap());
        while !stranger.is_finished() {
            assert!(matches!(listener.accept_timeout(timeout), Err(AcceptError::TimedOut)));
        }
        assert!(stranger.join().unwrap());
    });
}

#[mp_process::test]
fn row_16_every_wait_has_a_timeout() {
    let _watchdog = watchdog();
    let timeout = Duration::from_millis(5);
    let queue: JoinableQueue<u8> = JoinableQueue::bounded(1).unwrap();
    assert!(matches!(queue.get_timeout(timeout), Err(GetError::TimedOut)));
    queue.put_timeout(1, timeout).unwrap();
    assert!(queue.put_timeout(2, timeout).unwrap_err().is_full());
    assert_eq!(queue.join_timeout(timeout), Err(JoinError::TimedOut { unfinished: 1 }));
}

fn put_much(queue: Queue<Vec<u8>>) {
    (0..60).for_each(|number| queue.put(vec![number; 1 << 20]).unwrap());
}

#[mp_process::test]
fn row_17_a_child_that_put_much_ends_before_anybody_drains() {
    let _watchdog = watchdog();
    let queue = Queue::new().unwrap();
    spawn(put_much, (queue.clone(),)).unwrap().join().unwrap();
    for number in 0..60 {
        assert!(queue.try_get().unwrap() == vec![number; 1 << 20]);
    }
}

struct Unwilling;

impl Serialize for Unwilling {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("not this one"))
    }
}

#[mp_process::test]
fn row_18_what_cannot_be_sent_is_an_error_of_put() {
    let queue = Queue::new().unwrap();
    let error = queue.put(Unwilling).unwrap_err();
    assert!(matches!(error.reason, PutReason::Encode(_)));
    assert!(error.to_string().contains("not this one"), "{error}");
    assert!(queue.is_empty());
}

fn put_three(queue: Queue<u32>) {
    queue.put_many(vec![1, 2, 3]).unwrap();
}

#[mp_process::test]
fn row_19_counts_are_exact() {
    let queue = Queue::bounded(3).unwrap();
    for _ in 0..100 {
        assert_eq!((queue.len(), queue.is_empty(), queue.is_full()), (0, true, false));
        spawn(put_three, (queue.clone(),)).unwrap().join().unwrap();
        assert_eq!((queue.len(), queue.is_empty(), queue.is_full()), (3, false, true));
        let mut sum = 0;
        while !queue.is_empty() {
            sum += queue.try_get().unwrap();
        }
        assert_eq!(sum, 6);
    }
}

fn put_large(queue: Queue<Vec<u8>>) {
    for number in 0.. {
        queue.put(vec![number as u8; 500_000]).unwrap();
    }
}

#[mp_process::test]
fn row_20_a_killed_process_corrupts_nothing() {
    let _watchdog = watchdog();
    let queue = Queue::bounded(3).unwrap();
    for _ in 0..20 {
        let producer = spawn(put_large, (queue.clone(),)).unwrap();
        for number in 0..5 {
            assert!(queue.get().unwrap() == vec![number; 500_000]);
        }
        producer.kill().unwrap();
        producer.join().unwrap_err();
        while let Ok(message) = queue.try_get() {
            assert!(message.len() == 500_000 && message.iter().all(|&byte| byte == message[0]));
        }
    }
}

#[mp_process::test]
fn row_20_a_killed_reader_that_waits_is_in_nobodys_way() {
    let _watchdog = watchdog();
    let queue: Queue<u32> = Queue::new().unwrap();
    fn read(queue: Queue<u32>, started: Queue<()>) {
        started.put(()).unwrap();
        queue.get().unwrap();
    }
    let started = Queue::new().unwrap();
    let reader = spawn(read, (queue.clone(), started.clone())).unwrap();
    started.get().unwrap();
    thread::sleep(Duration::from_millis(5));
    reader.kill().unwrap();
    reader.join().unwrap_err();
    queue.put(7).unwrap();
    assert_eq!(queue.get().unwrap(), 7);
}

/// Reads what a header announces, in little address space.
fn read_what_is_announced() -> bool {
    let (mut peer, stream) = UnixStream::pair().unwrap();
    let connection = ByteConnection::from(stream);
    peer.write_all(&i32::MAX.to_be_bytes()).unwrap();
    drop(peer);
    let too_long = matches!(connection.recv_bytes(), Err(RecvBytesError::TooLong { .. }));
    connection.set_frame_limit(u64::MAX);
    // To take the memory would be another error.
    too_long && matches!(connection.recv_bytes(), Err(RecvBytesError::Torn))
}

#[mp_process::test]
fn row_45_a_header_of_four_bytes_takes_no_memory() {
    let builder = Process::builder().limit(Limit::AddressSpace, 1 << 30);
    assert!(builder.spawn(read_what_is_announced, ()).unwrap().join().unwrap());
}
