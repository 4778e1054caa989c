//! What people complain about in remote managers elsewhere, by the number of the complaint.

mod common {
    pub(crate) mod knock;
    pub(crate) mod raw;
    pub(crate) mod watchdog;
}

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::thread;

use common::watchdog::watchdog;
use common::{knock, raw};
use mp_handle::Parcel;
use mp_manager::{Address, AuthKey, DictProxy, ListProxy, Manager, ManagerError, Proxy};
use mp_process::{Func, spawn};

const KEY: &str = "a long secret";

const SERVER: u64 = 0;
const FUNCTION: u8 = 5;

fn start() -> (Manager, Address) {
    let manager = Manager::builder().key(KEY).start().unwrap();
    let address = manager.address().unwrap().unwrap();
    (manager, address)
}

type Nested = DictProxy<String, ListProxy<u32>>;

/// Has been told of no key, and gets at what is in what it is given.
fn use_nested(nested: Nested) -> ListProxy<u32> {
    let list = nested.get("list").unwrap().unwrap();
    let push = |list: ListProxy<u32>| list.push(&2).unwrap();
    spawn(push, (list.clone(),)).unwrap().join().unwrap();
    list
}

/// Proxies of a server with a key of its own fail in nested use, for want of that key.
#[mp_process::test]
fn row_36_a_proxy_brings_its_key_along() {
    let _watchdog = watchdog();
    let key = AuthKey::random().unwrap();
    let manager = Manager::builder().key(key.clone()).start().unwrap();
    let address = manager.address().unwrap().unwrap();
    // Two servers, two keys, one process: neither is in the way of the other.
    let (_other, elsewhere) = start();
    let (there, other) =
        (Manager::connect(&address, key).unwrap(), Manager::connect(elsewhere, KEY).unwrap());
    let (nested, list): (Nested, _) = (there.dict().unwrap(), there.list().unwrap());
    nested.set("list", &list).unwrap();
    list.push(&1).unwrap();
    let same = spawn(use_nested, (nested,)).unwrap().join().unwrap();
    assert!(list.is_same(&same));
    assert_eq!(same.snapshot().unwrap(), [1, 2]);
    assert!(other.objects().unwrap().is_empty());
}

fn marker() -> PathBuf {
    std::env::temp_dir().join(format!("mp-manager-marker-{}", std::process::id()))
}

/// A key is enough to have code executed, and without a key anybody can.
#[mp_process::test]
fn row_43_nothing_that_is_sent_is_executed() {
    let _watchdog = watchdog();
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    let open = Manager::builder().address(loopback).start();
    assert!(matches!(open, Err(ManagerError::Misuse { .. })), "{open:?}");

    let (manager, address) = start();
    let mut peer = raw::admitted(&address, KEY);
    // Not even a function of the same program, with the mark of the same family.
    let evil = Func::new(|path: PathBuf| std::fs::write(path, "here").unwrap()).unwrap();
    let evil = Parcel::encode(&evil).unwrap();
    let fields = [&(evil.bytes().len() as u32).to_le_bytes()[..], evil.bytes()].concat();
    let request = [&1_u64.to_le_bytes()[..], &SERVER.to_le_bytes(), &[FUNCTION], &fields].concat();
    peer.write_all(&(request.len() as u32).to_le_bytes()).unwrap();
    peer.write_all(&request).unwrap();
    knock::wait_for_end(peer);
    let there = Manager::connect(&address, KEY).unwrap();
    assert!(matches!(there.create(marker, ()), Err(ManagerError::OtherProgram)));
    let named: Result<Proxy<u8>, _> = there.create_named("marker", ());
    assert!(matches!(named, Err(ManagerError::NoSuchFunction { .. })));
    assert!(!marker().exists());
    // What is kept is bytes for the server, whatever they are.
    let bytes: ListProxy<Vec<u8>> = there.list().unwrap();
    bytes.push(&b"cos\nsystem\n(S'echo'\ntR.".to_vec()).unwrap();
    assert_eq!(manager.objects().unwrap().len(), 1);
}

/// Who listens to a real client, and sees to it that a real server hears of it what it should not.
fn relay(change: impl Fn(&mut [u8]) + Send + 'static, server: Address) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut server = knock::connect(&server);
        let (mut back, mut forth) = (server.try_clone().unwrap(), client.try_clone().unwrap());
        thread::spawn(move || pass_on(&mut back, &mut forth, |_| {}));
        pass_on(&mut client, &mut server, change);
    });
    address
}

fn pass_on(from: &mut TcpStream, to: &mut TcpStream, change: impl Fn(&mut [u8])) {
    let mut chunk = [0; 4096];
    while let Ok(len @ 1..) = from.read(&mut chunk) {
        change(&mut chunk[..len]);
        if to.write_all(&chunk[..len]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
}

/// The handshake falls back to MD5 for whoever asks, and is bound to nothing.
#[mp_process::test]
fn row_44_there_is_one_digest_and_it_covers_all_that_was_said() {
    let _watchdog = watchdog();
    let (_manager, address) = start();
    // A response by MD5 is half as long: nobody waits for the rest of it, or takes it.
    let mut old = knock::connect(&address);
    old.write_all(&knock::hello()).unwrap();
    old.write_all(&[7; 16]).unwrap();
    old.shutdown(std::net::Shutdown::Write).unwrap();
    knock::wait_for_end(old);

    let honest = relay(|_| {}, address.clone());
    assert!(Manager::connect(honest, KEY).unwrap().objects().is_ok());
    // The nonce of the client, in its hello of 44 bytes: both know the key, and refuse.
    let meddling = |bytes: &mut [u8]| {
        if bytes.len() == 44 {
            bytes[43] ^= 1;
        }
    };
    let refused = Manager::connect(relay(meddling, address), KEY);
    assert!(matches!(refused, Err(ManagerError::NotAdmitted { .. })), "{refused:?}");
}
