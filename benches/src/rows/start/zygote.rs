//! A small process that waits to be forked: its children inherit what it has loaded.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use anyhow::Result;
use mp_handle::Descriptor;
use mp_process::Process;

use super::fork::fork_and_wait;

/// It forks whenever a byte comes, and ends when the socket does.
pub(super) struct Zygote {
    socket: UnixStream,
    _process: Process<()>,
}

impl Zygote {
    pub(super) fn new() -> Result<Self> {
        let (socket, its) = UnixStream::pair()?;
        let its = Descriptor::from(OwnedFd::from(its));
        Ok(Self { socket, _process: Process::builder().daemon(true).spawn(serve, (its,))? })
    }

    /// Has a process forked and joined.
    pub(super) fn fork(&mut self) -> Result<()> {
        self.socket.write_all(&[0])?;
        self.socket.read_exact(&mut [0])?;
        Ok(())
    }
}

fn serve(socket: Descriptor) {
    let mut socket = UnixStream::from(socket.into_owned().expect("the only owner"));
    while socket.read_exact(&mut [0]).is_ok() {
        fork_and_wait().expect("a child");
        socket.write_all(&[0]).expect("who asked waits");
    }
}
