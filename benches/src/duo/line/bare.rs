//! What the system has: limits, and no peers.

use std::hint::black_box;
use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use anyhow::Result;
use mp_handle::{Descriptor, Region};

use super::Line;
use crate::duo::futex::Gate;
use crate::duo::{PATIENCE, memory};

/// A pair of sockets, for a stream of bytes.
pub(crate) struct Socket {
    stream: UnixStream,
    received: Vec<u8>,
}

impl Line for Socket {
    type Invitation = Descriptor;
    type Host = Self;

    fn host(len: usize) -> Result<(Self, Descriptor)> {
        let (here, there) = UnixStream::pair()?;
        here.set_read_timeout(Some(PATIENCE))?;
        Ok((Self { stream: here, received: vec![0; len] }, OwnedFd::from(there).into()))
    }

    fn open(host: Self) -> Result<Self> {
        Ok(host)
    }

    fn join(stream: Descriptor, len: usize) -> Result<Self> {
        Ok(Self { stream: stream.into_owned()?.into(), received: vec![0; len] })
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

/// A pipe in each direction.
pub(crate) struct Pipe {
    reader: PipeReader,
    writer: PipeWriter,
    received: Vec<u8>,
}

impl Line for Pipe {
    type Invitation = (Descriptor, Descriptor);
    type Host = Self;

    fn host(len: usize) -> Result<(Self, Self::Invitation)> {
        let ((reader, their_writer), (their_reader, writer)) = (pipe()?, pipe()?);
        let invitation = (OwnedFd::from(their_reader).into(), OwnedFd::from(their_writer).into());
        Ok((Self { reader, writer, received: vec![0; len] }, invitation))
    }

    fn open(host: Self) -> Result<Self> {
        Ok(host)
    }

    fn join((reader, writer): Self::Invitation, len: usize) -> Result<Self> {
        let (reader, writer) = (reader.into_owned()?.into(), writer.into_owned()?.into());
        Ok(Self { reader, writer, received: vec![0; len] })
    }

    fn send(&mut self, message: &[u8]) -> Result<()> {
        Ok(self.writer.write_all(message)?)
    }

    fn receive(&mut self) -> Result<()> {
        self.reader.read_exact(&mut self.received)?;
        black_box(&self.received);
        Ok(())
    }
}

/// One message in each direction, and a gate that says that it is there. There is no way back:
/// each side must wait for an answer before it sends again.
pub(crate) struct Futex {
    memory: Region,
    theirs: usize,
    mine: usize,
    received: Vec<u8>,
}

impl Futex {
    /// Two gates on cache lines of their own, and then two messages.
    fn new(memory: Region, len: usize, mine: usize, theirs: usize) -> Self {
        Self { memory, theirs, mine, received: vec![0; len] }
    }

    fn gate(&self, side: usize) -> Gate {
        Gate::new(self.memory.clone(), side * GATE)
    }

    fn message(&self, side: usize) -> usize {
        2 * GATE + side * self.received.len()
    }
}

const GATE: usize = 128;

impl Line for Futex {
    type Invitation = Region;
    type Host = Self;

    fn host(len: usize) -> Result<(Self, Region)> {
        let memory = memory(2 * (GATE + len))?;
        Ok((Self::new(memory.clone(), len, 0, 1), memory))
    }

    fn open(host: Self) -> Result<Self> {
        Ok(host)
    }

    fn join(memory: Region, len: usize) -> Result<Self> {
        Ok(Self::new(memory, len, 1, 0))
    }

    fn send(&mut self, message: &[u8]) -> Result<()> {
        self.memory.write(self.message(self.mine), message)?;
        self.gate(self.mine).open()
    }

    fn receive(&mut self) -> Result<()> {
        self.gate(self.theirs).pass()?;
        let message = self.message(self.theirs);
        self.memory.read(message, &mut self.received)?;
        black_box(&self.received);
        Ok(())
    }
}
