//! A chunk of tasks on its way to an agent.

use super::reader::put_block;
use super::{ClientId, Digest, Reader};

/// What a task message begins with.
const TASK: u8 = b'T';

const INLINE: u8 = 0;
const STORED: u8 = 1;
const NOTHING: u8 = 0;
const SHARED: u8 = 1;

/// A value that is in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) digest: Digest,
    pub(crate) len: u64,
}

/// Where the bytes of the items are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body<'a> {
    Inline(&'a [u8]),
    Stored(Stored),
}

/// A chunk of tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TaskMessage<'a> {
    pub(crate) client: ClientId,
    /// The client's number for it.
    pub(crate) number: u64,
    /// The encoded [`Order`](mp_pool::Order).
    pub(crate) order: &'a [u8],
    /// What its function is called, for messages.
    pub(crate) function: &'a str,
    /// The value that its tasks share, and where in it the value proper begins.
    pub(crate) context: Option<(Stored, u32)>,
    /// The lengths of the items.
    pub(crate) table: &'a [u8],
    pub(crate) body: Body<'a>,
}

impl<'a> TaskMessage<'a> {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.order.len() + self.table.len() + self.len() + 128);
        out.push(TASK);
        out.extend_from_slice(&self.client.bytes());
        out.extend_from_slice(&self.number.to_le_bytes());
        put_block(&mut out, self.order);
        put_block(&mut out, self.function.as_bytes());
        match &self.context {
            None => out.push(NOTHING),
            Some((stored, head)) => {
                out.push(SHARED);
                stored.write(&mut out);
                out.extend_from_slice(&head.to_le_bytes());
            }
        }
        put_block(&mut out, self.table);
        match &self.body {
            Body::Inline(bytes) => {
                out.push(INLINE);
                out.extend_from_slice(bytes);
            }
            Body::Stored(stored) => {
                out.push(STORED);
                stored.write(&mut out);
            }
        }
        out
    }

    fn len(&self) -> usize {
        match self.body {
            Body::Inline(bytes) => bytes.len(),
            Body::Stored(_) => 0,
        }
    }

    pub(crate) fn decode(message: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(message);
        if reader.byte()? != TASK {
            return None;
        }
        let client = ClientId::read(&mut reader)?;
        let number = reader.u64()?;
        let order = reader.block()?;
        let function = std::str::from_utf8(reader.block()?).ok()?;
        let context = match reader.byte()? {
            NOTHING => None,
            SHARED => Some((Stored::read(&mut reader)?, reader.u32()?)),
            _ => return None,
        };
        let table = reader.block()?;
        let body = match reader.byte()? {
            INLINE => Body::Inline(reader.rest()),
            STORED => Body::Stored(Stored::read(&mut reader)?),
            _ => return None,
        };
        let is_whole = reader.is_empty();
        is_whole.then_some(Self { client, number, order, function, context, table, body })
    }
}

impl Stored {
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.digest.0);
        out.extend_from_slice(&self.len.to_le_bytes());
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self { digest: Digest(reader.array()?), len: reader.u64()? })
    }
}

#[cfg(test)]
mod tests {
    use super::{Body, Stored, TaskMessage};
    use crate::message::{ClientId, Digest};

    #[test]
    fn what_was_encoded_is_decoded_and_nothing_shorter() {
        let stored = Stored { digest: Digest::of(b"value"), len: 5 };
        let bodies = [Body::Inline(b"items"), Body::Stored(stored)];
        for (body, context) in bodies.into_iter().zip([None, Some((stored, 3))]) {
            let (client, number) = (ClientId::new(), 7);
            let (order, function, table) = (&b"order"[..], "square", &b"len"[..]);
            let task = TaskMessage { client, number, order, function, context, table, body };
            let message = task.encode();
            assert_eq!(TaskMessage::decode(&message), Some(task));
            let items = if context.is_none() { b"items".len() } else { 0 };
            for end in 0..message.len() - items {
                assert_eq!(TaskMessage::decode(&message[..end]), None);
            }
        }
    }
}
