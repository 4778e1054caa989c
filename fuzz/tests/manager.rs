//! A manager's server, with clients that do not know the key and say anything, and with clients
//! that know it and ask for anything.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::Duration;

use bolero::check;
use hmac::{Hmac, KeyInit, Mac};
use mp_fuzz::{spoil, take};
use mp_manager::{Address, Manager};
use sha2::Sha256;

const KEY: &str = "secret";

const HELLO: usize = 44;
const VERDICT: usize = 61;

/// The requests that the server itself serves: to make an object, to end, and where it is.
const CREATE: u8 = 1;
const SHUTDOWN: u8 = 7;
const ADDRESS: u8 = 8;

/// How many kinds of objects there are.
const KINDS: u8 = 8;

/// Runs a server in a thread meanwhile; a panic of it shows as a server that does not answer.
fn with_server(check: impl FnOnce(&Path)) {
    let Ok(Address::Unix(path)) = Address::private() else { panic!("a place of our own") };
    let builder = Manager::builder().address(path.clone()).key(KEY).max_bytes(64 << 20);
    let builder = builder
        .allow("make", |n: u64| n)
        .allow_method("add", |sum: &mut u64, n: u64| *sum = sum.wrapping_add(n));
    let server = builder.server().expect("a server");
    let server = thread::spawn(move || server.serve_forever());
    check(&path);
    Manager::connect(path, KEY).expect("a server that lives").shutdown();
    server.join().expect("no panic").expect("an end in order");
}

fn connect(path: &Path) -> UnixStream {
    let stream = UnixStream::connect(path).expect("a server that lives");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a socket");
    stream
}

fn hello() -> [u8; HELLO] {
    let mut hello = [7; HELLO];
    hello[..4].copy_from_slice(b"mpM1");
    hello[4..8].copy_from_slice(&1_u32.to_le_bytes());
    hello[8..12].copy_from_slice(&0x0102_0304_u32.to_ne_bytes());
    hello
}

/// What is proved: all that was said.
fn prove(theirs: &[u8; HELLO]) -> [u8; 32] {
    let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(KEY.as_bytes()).expect("any key");
    let mac = mac.chain_update(b"client").chain_update(hello()).chain_update(theirs);
    mac.finalize().into_bytes().into()
}

/// A connection that was let in.
fn admitted(path: &Path) -> UnixStream {
    let mut stream = connect(path);
    stream.write_all(&hello()).expect("a server that listens");
    let mut theirs = [0; HELLO];
    stream.read_exact(&mut theirs).expect("its hello");
    stream.write_all(&prove(&theirs)).expect("a server that listens");
    let mut verdict = [0; VERDICT];
    stream.read_exact(&mut verdict).expect("its verdict");
    assert_eq!(verdict[0], 1);
    stream
}

#[test]
fn a_server_lets_nobody_in_who_does_not_know_the_key() {
    let valid = [&hello()[..], &[7; 32], &frame(1, 0, ADDRESS, &[])].concat();
    with_server(|path| {
        check!().for_each(|input: &[u8]| {
            let mut peer = connect(path);
            // It may hang up at the first wrong word.
            let _ = peer.write_all(&spoil(&valid, input));
            let _ = peer.shutdown(Shutdown::Write);
            let mut said = Vec::new();
            if let Err(error) = peer.read_to_end(&mut said) {
                assert_eq!(error.kind(), ErrorKind::ConnectionReset);
            }
            assert!(said.len() <= HELLO + VERDICT && said.get(HELLO) != Some(&1), "{said:?}");
        });
    });
}

fn frame(id: u64, object: u64, op: u8, fields: &[u8]) -> Vec<u8> {
    let body = [&id.to_le_bytes()[..], &object.to_le_bytes(), &[op], fields].concat();
    [&(body.len() as u32).to_le_bytes()[..], &body].concat()
}

/// The fields of an answer with this id; others are passed over. `None` if the server has hung up.
fn answer(stream: &mut UnixStream, id: u64) -> Option<Vec<u8>> {
    loop {
        let mut len = [0; 4];
        stream.read_exact(&mut len).ok()?;
        let mut answer = vec![0; u32::from_le_bytes(len) as usize];
        stream.read_exact(&mut answer).ok()?;
        if answer[..8] == id.to_le_bytes() {
            return Some(answer.split_off(9));
        }
    }
}

/// A value as it is sent: its length, and the bytes.
fn value(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_le_bytes()[..], bytes].concat()
}

/// Fields as they are asked for somewhere.
fn fields(which: u8) -> Vec<u8> {
    let (key, other, number) = (value(b"key"), value(b"other"), 1_u64.to_le_bytes().to_vec());
    let name = [&[1][..], &value(b"add"), &value(&[1, 7])].concat();
    match which % 9 {
        0 => Vec::new(),
        1 => key,
        2 => [key, other].concat(),
        3 => number,
        4 => [number.clone(), number].concat(),
        5 => [number, key].concat(),
        6 => [key.clone(), vec![1], other, vec![1], key].concat(),
        7 => [vec![1], key, number].concat(),
        _ => name,
    }
}

/// Makes an object of each kind, and returns their numbers.
fn objects(stream: &mut UnixStream) -> Vec<u64> {
    let made = [&[1][..], &value(b"make"), &value(&[1, 7])].concat();
    for kind in 1..=KINDS {
        let more = if kind == 3 { made.clone() } else { [1_u64.to_le_bytes(); 2].concat() };
        let create = [&[kind][..], &more].concat();
        stream.write_all(&frame(kind.into(), 0, CREATE, &create)).expect("a server");
    }
    (1..=KINDS)
        .filter_map(|id| answer(stream, id.into())?.first_chunk().copied())
        .map(u64::from_le_bytes)
        .collect()
}

#[test]
fn a_server_answers_any_request_or_hangs_up() {
    with_server(|path| {
        check!().for_each(|input: &[u8]| {
            ask_anything(path, input);
            let mut honest = admitted(path);
            honest.write_all(&frame(1, 0, ADDRESS, &[])).expect("a server that listens");
            answer(&mut honest, 1).expect("a server that answers others");
        });
    });
}

/// Makes an object of each kind, and asks them what the input says.
fn ask_anything(path: &Path, mut input: &[u8]) {
    let mut peer = admitted(path);
    let objects = objects(&mut peer);
    assert_eq!(objects.len(), usize::from(KINDS));
    while !input.is_empty() {
        let [object, op, which, len] = take(&mut input);
        let (edits, rest) = input.split_at(input.len().min(usize::from(len) % 28));
        input = rest;
        let place = usize::from(object) % (objects.len() + 1);
        let object = objects.get(place).copied().unwrap_or_default();
        let op = if object == 0 && op == SHUTDOWN { ADDRESS } else { op };
        // It may hang up at any of them.
        let _ = peer.write_all(&frame(100, object, op, &spoil(&fields(which), edits)));
    }
    let _ = peer.write_all(&frame(101, 0, ADDRESS, &[]));
    let _ = answer(&mut peer, 101);
}
