//! The byte ring in shared memory, bare: a limit, and no peer.
//!
//! Messages that are longer than a frame may be are sent in pieces, as a stream.

use std::hint::black_box;

use anyhow::{Result, ensure};
use mp_handle::{Consumer, Deadline, Producer, PushError, Region, Waited, ring_size};

use super::{Line, spin};
use crate::duo::{PATIENCE, memory};

const CAPACITY: usize = 4 << 20;

/// The longest piece of a message.
const PIECE: usize = 1 << 20;

/// Two rings, one in each direction.
struct Ends {
    producer: Producer,
    consumer: Consumer,
    len: usize,
    received: Vec<u8>,
}

impl Ends {
    fn new(memory: &Region, len: usize, mine: usize, theirs: usize) -> Result<Self> {
        let at = |ring: usize| ring * ring_size(CAPACITY);
        Ok(Self {
            producer: Producer::attach(memory, at(mine), CAPACITY)?,
            consumer: Consumer::attach(memory, at(theirs), CAPACITY)?,
            len,
            received: Vec::with_capacity(len),
        })
    }
}

/// Both sides sleep as [`mp_handle::Signal`] does: after some spinning if the other one is on
/// another processor.
pub(crate) struct Ring(Ends);

impl Line for Ring {
    type Invitation = Region;
    type Host = (Region, usize);

    fn host(len: usize) -> Result<(Self::Host, Region)> {
        let memory = memory(2 * ring_size(CAPACITY))?;
        Ok(((memory.clone(), len), memory))
    }

    fn open((memory, len): Self::Host) -> Result<Self> {
        Ok(Self(Ends::new(&memory, len, 0, 1)?))
    }

    fn join(memory: Region, len: usize) -> Result<Self> {
        Ok(Self(Ends::new(&memory, len, 1, 0)?))
    }

    fn send(&mut self, message: &[u8]) -> Result<()> {
        let producer = &mut self.0.producer;
        for piece in message.chunks(PIECE) {
            loop {
                match producer.try_push(&[piece]) {
                    Err(PushError::Full) => {
                        let deadline = Deadline::after(PATIENCE);
                        let waited = producer.wait_space(piece.len(), deadline, || true);
                        ensure!(waited == Waited::Ready, "hangs: not done after {PATIENCE:?}");
                    }
                    result => break result?,
                }
            }
            producer.notify();
        }
        Ok(())
    }

    fn receive(&mut self) -> Result<()> {
        let Ends { consumer, len, received, .. } = &mut self.0;
        received.clear();
        while received.len() < *len {
            if consumer.try_pop(received)? {
                consumer.notify_space();
            } else {
                let waited = consumer.wait(Deadline::after(PATIENCE), || true);
                ensure!(waited == Waited::Ready, "hangs: not done after {PATIENCE:?}");
            }
        }
        black_box(&received);
        Ok(())
    }
}

/// Both sides spin, and never sleep.
pub(crate) struct SpinRing(Ends);

impl Line for SpinRing {
    type Invitation = Region;
    type Host = (Region, usize);

    fn host(len: usize) -> Result<(Self::Host, Region)> {
        Ring::host(len)
    }

    fn open(host: Self::Host) -> Result<Self> {
        Ok(Self(Ring::open(host)?.0))
    }

    fn join(memory: Region, len: usize) -> Result<Self> {
        Ok(Self(Ring::join(memory, len)?.0))
    }

    fn send(&mut self, message: &[u8]) -> Result<()> {
        let producer = &mut self.0.producer;
        message.chunks(PIECE).try_for_each(|piece| {
            spin(|| match producer.try_push(&[piece]) {
                Err(PushError::Full) => Ok(None),
                result => Ok(Some(result?)),
            })
        })
    }

    fn receive(&mut self) -> Result<()> {
        let Ends { consumer, len, received, .. } = &mut self.0;
        received.clear();
        while received.len() < *len {
            spin(|| Ok(consumer.try_pop(received)?.then_some(())))?;
        }
        black_box(&received);
        Ok(())
    }
}
