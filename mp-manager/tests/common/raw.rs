//! A client that is let in, made by hand of what the protocol says: to say what no honest one does.

use std::io::{Read, Write};
use std::net::TcpStream;

use hmac::{Hmac, KeyInit, Mac};
use mp_manager::Address;
use sha2::Sha256;

use super::knock::{HELLO, connect, hello};

const VERDICT: usize = 61;

/// Proves that it knows the key, and returns what the server thinks of it: 1 is a yes.
pub(crate) fn greet(stream: &mut TcpStream, key: &str) -> u8 {
    let (ours, mut theirs) = (hello(), [0; HELLO]);
    stream.write_all(&ours).unwrap();
    stream.read_exact(&mut theirs).unwrap();
    let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key.as_bytes()).unwrap();
    let mac = mac.chain_update(b"client").chain_update(ours).chain_update(theirs);
    stream.write_all(&mac.finalize().into_bytes()).unwrap();
    let mut verdict = [0; VERDICT];
    stream.read_exact(&mut verdict).unwrap();
    verdict[0]
}

/// A connection that was let in.
pub(crate) fn admitted(address: &Address, key: &str) -> TcpStream {
    let mut stream = connect(address);
    assert_eq!(greet(&mut stream, key), 1);
    stream
}
