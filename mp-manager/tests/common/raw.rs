//! A client made by hand, of what the protocol says alone: to say what no honest one does.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use mp_manager::Address;
use sha2::Sha256;

const HELLO: usize = 44;
const VERDICT: usize = 61;

/// The first thing that a client says.
pub(crate) fn hello() -> [u8; HELLO] {
    let mut hello = [7; HELLO];
    hello[..4].copy_from_slice(b"mpM1");
    hello[4..8].copy_from_slice(&1_u32.to_le_bytes());
    hello[8..12].copy_from_slice(&0x0102_0304_u32.to_ne_bytes());
    hello
}

pub(crate) fn connect(address: &Address) -> TcpStream {
    let Address::Tcp(address) = address else { panic!("no internet address: {address}") };
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

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

/// Waits until the server has hung up; what it says before is nobody's concern.
pub(crate) fn wait_for_end(mut stream: TcpStream) {
    let mut chunk = [0; 4096];
    loop {
        match stream.read(&mut chunk) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return,
            Err(error) => panic!("the server did not hang up: {error}"),
        }
    }
}
