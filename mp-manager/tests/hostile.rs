//! Whatever comes to the port of a server: it is refused, and nobody else notices.

mod common {
    pub(crate) mod knock;
    pub(crate) mod random;
    pub(crate) mod raw;
    pub(crate) mod watchdog;
}

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use common::random::Random;
use common::watchdog::watchdog;
use common::{knock, raw};
use mp_manager::{Address, Builder, ListProxy, Manager, ManagerError};
use mp_process::spawn;

const KEY: &str = "a long secret";

/// What the server itself is asked for.
const SERVER: u64 = 0;
const CREATE: u8 = 1;
const INFO: u8 = 6;
const SHUTDOWN: u8 = 7;

fn start(builder: Builder) -> (Manager, Address) {
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    let manager = builder.address(loopback).key(KEY).start().unwrap();
    let address = manager.address().unwrap().unwrap();
    (manager, address)
}

/// A request with its length before it.
fn request(id: u64, object: u64, op: u8, fields: &[u8]) -> Vec<u8> {
    let request = [&id.to_le_bytes()[..], &object.to_le_bytes(), &[op], fields].concat();
    [&(request.len() as u32).to_le_bytes()[..], &request].concat()
}

/// An honest client of another program gets in, and is served.
fn serves(address: &Address) {
    let use_it = |address: Address| {
        let list: ListProxy<u32> = Manager::connect(address, KEY).unwrap().list().unwrap();
        list.extend(0..100).unwrap();
        assert_eq!(list.len().unwrap(), 100);
    };
    spawn(use_it, (address.clone(),)).unwrap().join().unwrap();
}

/// What the process of the server has in memory, in bytes: now, and at most.
fn memory(manager: &Manager) -> (u64, u64) {
    let status = fs::read_to_string(format!("/proc/{}/status", manager.pid())).unwrap();
    let find = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    };
    (find("VmRSS:"), find("VmHWM:"))
}

#[mp_process::test]
fn another_key_is_refused_on_both_sides() {
    let _watchdog = watchdog();
    let (_manager, address) = start(Manager::builder());
    let wrong = Manager::connect(&address, "another secret");
    let error = wrong.unwrap_err();
    assert_eq!(error.to_string(), "the manager server refused: it has another key");
    let mut stream = knock::connect(&address);
    assert_eq!(raw::greet(&mut stream, "another secret"), 2);
    knock::wait_for_end(stream);
    serves(&address);
}

#[mp_process::test]
fn another_version_is_told_which_one_it_is_and_refused() {
    let _watchdog = watchdog();
    let (_manager, address) = start(Manager::builder());
    let mut stream = knock::connect(&address);
    let mut newer = knock::hello();
    newer[4..8].copy_from_slice(&2_u32.to_le_bytes());
    stream.write_all(&newer).unwrap();
    let mut theirs = Vec::new();
    stream.read_to_end(&mut theirs).unwrap();
    assert_eq!(&theirs[..8], &knock::hello()[..8]);
    serves(&address);
}

#[mp_process::test]
fn who_is_silent_is_shown_out_and_keeps_nobody_waiting() {
    let _watchdog = watchdog();
    // On a busy machine an honest client may take a while, too.
    let (_manager, address) = start(Manager::builder().handshake_timeout(Duration::from_secs(3)));
    let silent = knock::connect(&address);
    let mut slow = knock::connect(&address);
    slow.write_all(&knock::hello()[..20]).unwrap();
    serves(&address);
    knock::wait_for_end(silent);
    knock::wait_for_end(slow);
    let mut dripping = knock::connect(&address);
    for byte in knock::hello() {
        // It ends in the middle of the hello.
        std::thread::sleep(Duration::from_millis(100));
        if dripping.write_all(&[byte]).is_err() {
            break;
        }
    }
    knock::wait_for_end(dripping);
    serves(&address);
}

#[mp_process::test]
fn a_crowd_at_the_door_keeps_nobody_out() {
    let _watchdog = watchdog();
    let (manager, address) = start(Manager::builder().handshake_timeout(Duration::from_secs(3600)));
    let before = memory(&manager).0;
    let crowd: Vec<_> = (0..700).map(|_| knock::connect(&address)).collect();
    serves(&address);
    assert!(memory(&manager).1 < before + (16 << 20));
    drop(crowd);
}

#[mp_process::test]
fn no_more_clients_get_in_than_there_are_seats() {
    let _watchdog = watchdog();
    let (_manager, address) = start(Manager::builder().max_clients(2));
    let _first = raw::admitted(&address, KEY);
    // A seat is free as soon as its client sees the end.
    for _ in 0..200 {
        let mut second = raw::admitted(&address, KEY);
        second.shutdown(Shutdown::Write).unwrap();
        second.read_to_end(&mut Vec::new()).unwrap();
    }
    let mut second = raw::admitted(&address, KEY);
    let third = Manager::connect(&address, KEY).unwrap_err();
    let ManagerError::NotAdmitted { reason, .. } = third else { panic!("{third}") };
    assert_eq!(reason, "there are as many clients as it lets in");
    second.shutdown(Shutdown::Write).unwrap();
    second.read_to_end(&mut Vec::new()).unwrap();
    serves(&address);
}

#[mp_process::test]
fn half_a_frame_concerns_nobody_else() {
    let _watchdog = watchdog();
    let (manager, address) = start(Manager::builder());
    let whole = request(1, SERVER, CREATE, &[1]);
    for len in 0..whole.len() {
        let mut stream = raw::admitted(&address, KEY);
        stream.write_all(&whole[..len]).unwrap();
        serves(&address);
        stream.shutdown(Shutdown::Write).unwrap();
        knock::wait_for_end(stream);
    }
    while !manager.objects().unwrap().is_empty() {
        std::thread::yield_now();
    }
}

#[mp_process::test]
fn a_frame_of_four_gibibytes_takes_no_memory() {
    let _watchdog = watchdog();
    let (manager, address) = start(Manager::builder());
    serves(&address);
    let before = memory(&manager).0;
    for len in [u32::MAX, 1 << 31, (256 << 20) + 1, 0, 16] {
        let mut stream = raw::admitted(&address, KEY);
        stream.write_all(&len.to_le_bytes()).unwrap();
        // It may have hung up already.
        let _ = stream.write_all(&[0; 4096]);
        knock::wait_for_end(stream);
    }
    // As long as may be, and never sent: what counts is what comes.
    let mut patient: Vec<_> = (0..20).map(|_| raw::admitted(&address, KEY)).collect();
    for stream in &mut patient {
        stream.write_all(&(256_u32 << 20).to_le_bytes()).unwrap();
        stream.write_all(&[0; 1000]).unwrap();
    }
    serves(&address);
    assert!(memory(&manager).1 < before + (16 << 20));
}

#[mp_process::test]
fn random_bytes_are_refused() {
    let _watchdog = watchdog();
    let (manager, address) = start(Manager::builder());
    let mut random = Random::new(11);
    for round in 0..200 {
        let mut bytes: Vec<u8> = (0..random.below(200)).map(|_| random.below(256) as u8).collect();
        let mut stream = knock::connect(&address);
        if round % 2 == 0 {
            assert_eq!(raw::greet(&mut stream, KEY), 1);
            let op = random.below(256) as u8;
            // To be told to end is no attack.
            let object = if op == SHUTDOWN { 1 } else { random.below(3) };
            bytes = request(1, object.into(), op, &bytes);
        }
        let _ = stream.write_all(&bytes);
        let _ = stream.shutdown(Shutdown::Write);
        knock::wait_for_end(stream);
    }
    serves(&address);
    while !manager.objects().unwrap().is_empty() {
        std::thread::yield_now();
    }
}

#[mp_process::test]
fn who_does_not_listen_is_not_heard_and_costs_little() {
    let _watchdog = watchdog();
    let (manager, address) = start(Manager::builder());
    let list: ListProxy<Vec<u8>> = manager.list().unwrap();
    list.push(&vec![0; 1 << 20]).unwrap();
    serves(&address);
    let before = memory(&manager).0;
    let mut deaf = raw::admitted(&address, KEY);
    deaf.set_nonblocking(true).unwrap();
    // It asks for all that there is, again and again, and never reads.
    let ask = request(1, SERVER, INFO, &[]).repeat(1000);
    let mut asked = 0;
    while asked < 64 << 20 {
        match deaf.write(&ask) {
            Ok(len) => asked += len,
            Err(_) => break,
        }
    }
    assert!(asked < 64 << 20, "it was let to ask for ever");
    serves(&address);
    assert!(memory(&manager).1 < before + (32 << 20));
}

#[mp_process::test]
fn what_is_too_large_is_an_error_and_the_connection_lives() {
    let _watchdog = watchdog();
    let (manager, address) = start(Manager::builder().max_frame(1 << 20).max_bytes(3 << 20));
    let remote = Manager::connect(&address, KEY).unwrap();
    for manager in [&manager, &remote] {
        let list: ListProxy<Vec<u8>> = manager.list().unwrap();
        let kind = |error| match error {
            ManagerError::Limit { what, .. } => what,
            other => panic!("{other}"),
        };
        assert_eq!(kind(list.push(&vec![0; 1 << 20]).unwrap_err()), "1048576 bytes a request");
        let half = vec![0; 500 << 10];
        list.push(&half).unwrap();
        list.push(&half).unwrap();
        list.push(&half).unwrap();
        let whole = list.snapshot();
        assert_eq!(list.len().unwrap(), 3, "{whole:?}");
        let more = (0..10).find_map(|_| list.push(&half).err()).unwrap();
        assert!(matches!(more, ManagerError::Limit { .. }), "{more}");
    }
}
