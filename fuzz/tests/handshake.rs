//! The handshake, with peers that do not know the key and say anything.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use bolero::check;
use mp_fuzz::spoil;
use mp_queue::connection::{AcceptError, Address, Client, Listener};

fn private() -> (Address, PathBuf) {
    match Address::private().expect("a place of our own") {
        Address::Unix(path) => (path.clone().into(), path),
        other => panic!("{other}"),
    }
}

fn frame(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u32).to_be_bytes(), message].concat()
}

/// What one side would say, if it knew the key.
fn sayings() -> Vec<u8> {
    let challenge = frame(&[&b"#CHALLENGE#{sha256}"[..], &[7; 40]].concat());
    let response = frame(&[&b"{sha256}"[..], &[7; 32]].concat());
    [challenge, frame(b"#WELCOME#"), response, frame(b"#FAILURE#")].concat()
}

#[test]
fn a_listener_lets_nobody_in_who_does_not_know_the_key() {
    let (address, path) = private();
    let listener = Listener::builder().key("secret").bind(address).expect("a free address");
    let valid = sayings();
    check!().for_each(|input: &[u8]| {
        let refused = listener.refused();
        let mut peer = UnixStream::connect(&path).expect("a listener");
        // It may hang up at the first wrong word.
        let _ = peer.write_all(&spoil(&valid, input));
        drop(peer);
        while listener.refused() == refused {
            let accepted = listener.try_accept();
            assert!(matches!(accepted, Err(AcceptError::TimedOut)), "{accepted:?}");
        }
    });
}

/// Says to each who comes what comes through the channel.
fn say(listener: &UnixListener, sayings: &Receiver<Vec<u8>>) {
    for saying in sayings {
        let (mut peer, _) = listener.accept().expect("a client");
        let _ = peer.write_all(&saying);
        let _ = peer.shutdown(Shutdown::Write);
        // Until it is gone: to close before would take away what it has not read.
        let _ = peer.read_to_end(&mut Vec::new());
    }
}

#[test]
fn a_client_trusts_nobody_who_does_not_know_the_key() {
    let name = format!("mp-fuzz-{}", std::process::id()).into_bytes();
    let address = SocketAddr::from_abstract_name(&name).expect("a short name");
    let listener = UnixListener::bind_addr(&address).expect("a free name");
    let (liar, lies) = mpsc::channel();
    thread::spawn(move || say(&listener, &lies));
    let valid = sayings();
    check!().for_each(|input: &[u8]| {
        liar.send(spoil(&valid, input)).expect("a listener");
        let address = Address::Abstract(name.clone());
        Client::builder().key("secret").connect(address).expect_err("a peer without the key");
    });
}
