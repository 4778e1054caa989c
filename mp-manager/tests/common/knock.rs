//! A connection made by hand, and the first thing that is said.

use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::time::Duration;

use mp_manager::Address;

pub(crate) const HELLO: usize = 44;

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
