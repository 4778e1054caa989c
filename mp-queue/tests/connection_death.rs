//! Connections whose peer is killed at any moment: no torn message, and no hang.

mod common {
    pub(crate) mod random;
    pub(crate) mod watchdog;
}

use std::thread;
use std::time::{Duration, Instant};

use common::random::Random;
use common::watchdog::watchdog;
use mp_handle::Descriptor;
use mp_queue::connection::{
    Address, ByteConnection, Client, Connection, Listener, RecvBytesError, RecvError,
    SendBytesError, SendError, pipe,
};

/// How many processes a test kills: `MP_DEATHS`, or a few.
fn deaths() -> u32 {
    std::env::var("MP_DEATHS").ok().and_then(|deaths| deaths.parse().ok()).unwrap_or(30)
}

/// Lets some time pass, up to three milliseconds, without sleeping.
fn a_moment(random: &mut Random) {
    let (start, end) = (Instant::now(), Duration::from_micros(random.below(3000).into()));
    while start.elapsed() < end {
        std::hint::spin_loop();
    }
}

/// Message number `n`, of any size up to 40 kB, which is more than fits into a packet.
fn message(n: u32) -> Vec<u32> {
    vec![n; (n as usize * 7919) % 10_000]
}

type Message = (u32, Vec<u32>, Option<Descriptor>);

fn produce(connection: Connection<Message, ()>) {
    for n in 0.. {
        let handle = std::io::stdout();
        let handle = std::os::fd::AsFd::as_fd(&handle).try_clone_to_owned().unwrap();
        connection.send(&(n, message(n), (n % 3 == 0).then(|| handle.into()))).unwrap();
    }
}

#[mp_process::test]
fn a_killed_sender_leaves_whole_messages_and_the_end() {
    let _watchdog = watchdog();
    let mut random = Random::new(7);
    for _ in 0..deaths() {
        let (sender, receiver) = pipe().unwrap();
        let child = mp_process::spawn(produce, (sender,)).unwrap();
        let first = receiver.recv().unwrap().0;
        assert_eq!(first, 0);
        let mut next = 1;
        thread::scope(|scope| {
            scope.spawn(|| {
                a_moment(&mut random);
                child.kill().unwrap();
            });
            loop {
                match receiver.recv() {
                    Ok((n, numbers, handle)) => {
                        assert_eq!((n, handle.is_some()), (next, n % 3 == 0));
                        assert!(numbers == message(n));
                        next += 1;
                    }
                    Err(RecvError::Disconnected) => break,
                    Err(error) => panic!("{error}"),
                }
            }
        });
        child.join().unwrap_err();
    }
}

fn consume(connection: Connection<u32, Vec<u32>>) {
    while let Ok(numbers) = connection.recv() {
        connection.send(&numbers.first().copied().unwrap_or(0)).unwrap();
    }
}

#[mp_process::test]
fn a_killed_receiver_is_seen_by_a_blocked_sender() {
    let _watchdog = watchdog();
    let mut random = Random::new(11);
    for _ in 0..deaths() {
        let (ours, theirs) = pipe::<Vec<u32>, u32>().unwrap();
        let child = mp_process::spawn(consume, (theirs,)).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                a_moment(&mut random);
                child.kill().unwrap();
            });
            let error = (0..).find_map(|n| ours.send(&message(n)).err());
            assert!(matches!(error, Some(SendError::Disconnected)), "{error:?}");
        });
        child.join().unwrap_err();
    }
}

fn produce_bytes(address: Address) {
    let connection = Client::builder().key("secret").connect(address).unwrap();
    for n in 0_u32.. {
        connection.send(&(n, message(n))).unwrap();
    }
}

/// Takes whole messages in order until the end, which may be in the middle of one.
fn drain(connection: &ByteConnection) {
    for next in 0.. {
        match connection.recv::<(u32, Vec<u32>)>() {
            Ok((n, numbers)) => assert!(n == next && numbers == message(n)),
            Err(RecvBytesError::Disconnected | RecvBytesError::Torn) => return,
            Err(error) => panic!("{error}"),
        }
    }
}

#[mp_process::test]
fn a_killed_byte_sender_leaves_whole_messages_and_an_error() {
    let _watchdog = watchdog();
    let mut random = Random::new(13);
    let tcp = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    for address in [Address::private().unwrap(), tcp.into()] {
        let listener = Listener::builder().key("secret").bind(address).unwrap();
        for _ in 0..deaths() / 2 {
            let child = mp_process::spawn(produce_bytes, (listener.address().clone(),)).unwrap();
            let connection = listener.accept().unwrap();
            thread::scope(|scope| {
                scope.spawn(|| {
                    a_moment(&mut random);
                    child.kill().unwrap();
                });
                drain(&connection);
            });
            child.join().unwrap_err();
        }
    }
}

fn ignore(address: Address) {
    let _connection = Client::connect(address).unwrap();
    loop {
        thread::park();
    }
}

#[mp_process::test]
fn a_killed_byte_receiver_is_seen_by_a_blocked_sender() {
    let _watchdog = watchdog();
    let listener = Listener::bind(Address::private().unwrap()).unwrap();
    for _ in 0..3 {
        let child = mp_process::spawn(ignore, (listener.address().clone(),)).unwrap();
        let connection = listener.accept().unwrap();
        thread::scope(|scope| {
            let sender = scope.spawn(|| connection.send_bytes(&vec![7; 8 << 20]));
            child.kill().unwrap();
            let result = sender.join().unwrap();
            assert!(matches!(result, Err(SendBytesError::Disconnected)), "{result:?}");
        });
        child.join().unwrap_err();
    }
}
