//! The handshake between Rust programs, over a real socket.

mod common {
    pub(crate) mod watchdog;
}

use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use common::watchdog::watchdog;
use mp_queue::connection::{
    AcceptError, Address, AuthError, AuthKey, ByteConnection, Client, ConnectError, Listener,
};

fn private() -> (Address, PathBuf) {
    match Address::private().unwrap() {
        Address::Unix(path) => (path.clone().into(), path),
        other => panic!("{other}"),
    }
}

/// Accepts until somebody was refused.
fn refuse_one(listener: &Listener) {
    while listener.refused() == 0 {
        let nobody = listener.accept_timeout(Duration::from_millis(10));
        assert!(matches!(nobody, Err(AcceptError::TimedOut)));
    }
}

#[test]
fn another_key_is_refused() {
    let _watchdog = watchdog();
    for wrong in ["", "Secret", "secret "] {
        let (address, _) = private();
        let listener = Listener::builder().key("secret").bind(&address).unwrap();
        let client = thread::spawn(move || Client::builder().key(wrong).connect(address));
        refuse_one(&listener);
        let error = client.join().unwrap().unwrap_err();
        assert!(matches!(error, ConnectError::Auth(AuthError::Rejected)), "{error:?}");
    }
}

#[test]
fn a_listener_that_does_not_know_the_key_is_refused() {
    let _watchdog = watchdog();
    let (address, path) = private();
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    let impostor = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let client = thread::spawn(move || Client::builder().key("secret").connect(address));
    let impostor = ByteConnection::from(impostor.accept().unwrap().0);
    impostor.send_bytes(&[&b"#CHALLENGE#{sha256}"[..], &[7; 40]].concat()).unwrap();
    impostor.recv_bytes().unwrap();
    impostor.send_bytes(b"#WELCOME#").unwrap();
    let challenge = impostor.recv_bytes().unwrap();
    assert!(challenge.starts_with(b"#CHALLENGE#{sha256}"));
    impostor.send_bytes(&[&b"{sha256}"[..], &[7; 32]].concat()).unwrap();
    let error = client.join().unwrap().unwrap_err();
    assert!(matches!(error, ConnectError::Auth(AuthError::WrongKey)), "{error:?}");
    assert_eq!(impostor.recv_bytes().unwrap(), b"#FAILURE#");
    std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
}

#[test]
fn challenges_never_repeat() {
    let _watchdog = watchdog();
    let (address, path) = private();
    let listener = Listener::builder().key("secret").bind(address).unwrap();
    let challenge = || {
        let peer = ByteConnection::from(UnixStream::connect(&path).unwrap());
        listener.try_accept().unwrap_err();
        peer.recv_bytes().unwrap()
    };
    assert_ne!(challenge(), challenge());
}

#[test]
fn a_long_message_ends_the_handshake() {
    let _watchdog = watchdog();
    let (address, path) = private();
    let listener = Listener::builder().key("secret").bind(address).unwrap();
    let peer = ByteConnection::from(UnixStream::connect(&path).unwrap());
    peer.send_bytes(&[7; 257]).unwrap();
    refuse_one(&listener);
}

#[test]
fn keys_do_not_show() {
    let key = AuthKey::from("secret");
    let listener = Listener::builder().key(key.clone());
    let client = Client::builder().key(key.clone());
    for text in [format!("{key:?}"), format!("{listener:?}"), format!("{client:?}")] {
        assert!(text.contains("AuthKey(..)") && !text.contains("secret"), "{text}");
    }
}
