//! The peer interprocess: its local sockets.

use std::hint::black_box;
use std::io::{Read, Write};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Result;
use interprocess::local_socket::prelude::*;
use interprocess::local_socket::{GenericNamespaced, Listener, ListenerOptions, Stream};

use super::Line;

/// A local socket with a name, which on Linux is in no file system.
pub(crate) struct LocalSocket {
    stream: Stream,
    received: Vec<u8>,
}

impl Line for LocalSocket {
    type Invitation = String;
    type Host = (Listener, usize);

    fn host(len: usize) -> Result<(Self::Host, String)> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("mp-bench-{}-{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let address = name.as_str().to_ns_name::<GenericNamespaced>()?;
        Ok(((ListenerOptions::new().name(address).create_sync()?, len), name))
    }

    fn open((listener, len): Self::Host) -> Result<Self> {
        Ok(Self { stream: listener.accept()?, received: vec![0; len] })
    }

    fn join(name: String, len: usize) -> Result<Self> {
        let stream = Stream::connect(name.to_ns_name::<GenericNamespaced>()?)?;
        Ok(Self { stream, received: vec![0; len] })
    }

    fn send(&mut self, message: &[u8]) -> Result<()> {
        Ok(self.stream.write_all(message)?)
    }

    fn receive(&mut self) -> Result<()> {
        self.stream.read_exact(&mut self.received)?;
        black_box(&self.received);
        Ok(())
    }
}
