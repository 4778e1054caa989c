//! Ours: two queues, and a pipe.

use std::hint::black_box;

use anyhow::Result;
use mp_queue::{Connection, Queue, pipe};

use super::Line;

type Message = Vec<u8>;

/// As many bytes as in a bare ring may wait in a queue.
const LIMIT: u64 = 4 << 20;

/// One queue in each direction: mine, and theirs.
type Both = (Queue<Message>, Queue<Message>);

fn both() -> Result<Both> {
    let queue = || Queue::builder().max_bytes(LIMIT).build();
    Ok((queue()?, queue()?))
}

/// Queues of bytes, from a slice and into a buffer.
pub(crate) struct QueueBytes {
    sender: Queue<Message>,
    receiver: Queue<Message>,
    received: Message,
}

impl Line for QueueBytes {
    type Invitation = Both;
    type Host = Both;

    fn host(_: usize) -> Result<(Both, Both)> {
        let (mine, theirs) = both()?;
        Ok(((mine.clone(), theirs.clone()), (theirs, mine)))
    }

    fn open((sender, receiver): Both) -> Result<Self> {
        Ok(Self { sender, receiver, received: Message::new() })
    }

    fn join(both: Both, _: usize) -> Result<Self> {
        Self::open(both)
    }

    fn send(&mut self, message: &[u8]) -> Result<()> {
        Ok(self.sender.put_bytes(message)?)
    }

    fn receive(&mut self) -> Result<()> {
        self.receiver.get_bytes_into(&mut self.received)?;
        black_box(&self.received);
        Ok(())
    }
}

/// Queues of typed messages.
pub(crate) struct QueueTyped {
    sender: Queue<Message>,
    receiver: Queue<Message>,
}

impl Line for QueueTyped {
    type Invitation = Both;
    type Host = Both;

    fn host(len: usize) -> Result<(Both, Both)> {
        QueueBytes::host(len)
    }

    fn open((sender, receiver): Both) -> Result<Self> {
        Ok(Self { sender, receiver })
    }

    fn join(both: Both, _: usize) -> Result<Self> {
        Self::open(both)
    }

    fn send(&mut self, message: &[u8]) -> Result<()> {
        Ok(self.sender.put(message.to_vec())?)
    }

    fn receive(&mut self) -> Result<()> {
        black_box(self.receiver.get()?);
        Ok(())
    }
}

/// Queues of bytes that are written and read in their place.
pub(crate) struct QueueInPlace {
    sender: Queue<Message>,
    receiver: Queue<Message>,
}

impl Line for QueueInPlace {
    type Invitation = Both;
    type Host = Both;

    fn host(len: usize) -> Result<(Both, Both)> {
        QueueBytes::host(len)
    }

    fn open((sender, receiver): Both) -> Result<Self> {
        Ok(Self { sender, receiver })
    }

    fn join(both: Both, _: usize) -> Result<Self> {
        Self::open(both)
    }

    fn send(&mut self, message: &[u8]) -> Result<()> {
        let mut loan = self.sender.reserve(message.len())?;
        loan.write_at(0, message)?;
        Ok(loan.publish()?)
    }

    fn receive(&mut self) -> Result<()> {
        let message = self.receiver.get_in_place()?;
        let mut last = [0];
        message.read_at(message.len() - 1, &mut last)?;
        black_box(last);
        message.take();
        Ok(())
    }
}

/// A pipe of typed messages.
pub(crate) struct OurPipe {
    connection: Connection<Message, Message>,
}

impl Line for OurPipe {
    type Invitation = Connection<Message, Message>;
    type Host = Connection<Message, Message>;

    fn host(_: usize) -> Result<(Self::Host, Self::Invitation)> {
        Ok(pipe()?)
    }

    fn open(connection: Self::Host) -> Result<Self> {
        Ok(Self { connection })
    }

    fn join(connection: Self::Invitation, _: usize) -> Result<Self> {
        Self::open(connection)
    }

    fn send(&mut self, message: &[u8]) -> Result<()> {
        Ok(self.connection.send(&message.to_vec())?)
    }

    fn receive(&mut self) -> Result<()> {
        black_box(self.connection.recv()?);
        Ok(())
    }
}
