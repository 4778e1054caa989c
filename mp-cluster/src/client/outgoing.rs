//! Chunks on their way from the calling thread to the server.

use std::sync::Arc;

use mp_handle::Parcel;
use mp_pool::{Chunk, Context, Order, TaskErrorKind};

use crate::client::Core;
use crate::message::{Body, Digest, Stored, TaskMessage};
use crate::names::Lane;

/// What a message may have beside the items.
const ROOM: usize = 16 << 10;
/// About so many bytes of a function's name go with it.
const NAME: usize = 200;

/// A chunk as a message.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) number: u64,
    pub(crate) lane: Lane,
    /// Tells the server that it has the message already, if it has.
    pub(crate) id: String,
    /// The message, sealed.
    pub(crate) message: Vec<u8>,
    /// What has to be in the store before.
    pub(crate) values: Vec<Value>,
}

/// A value for the store.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    pub(crate) stored: Stored,
    pub(crate) bytes: Bytes,
}

/// The bytes of a value.
#[derive(Clone, Debug)]
pub(crate) enum Bytes {
    Items(Arc<Vec<u8>>),
    Context(Arc<Context>),
}

impl Value {
    fn items(bytes: &[u8]) -> Self {
        let stored = Stored { digest: Digest::of(bytes), len: bytes.len() as u64 };
        Self { stored, bytes: Bytes::Items(Arc::new(bytes.to_vec())) }
    }

    fn context(context: &Arc<Context>, digest: Digest) -> Self {
        let len = context.parcel().bytes().len() as u64;
        Self { stored: Stored { digest, len }, bytes: Bytes::Context(Arc::clone(context)) }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Items(bytes) => bytes,
            Bytes::Context(context) => context.parcel().bytes(),
        }
    }
}

/// Why a chunk with descriptors stays here.
pub(crate) fn local_only() -> TaskErrorKind {
    TaskErrorKind::unsupported(
        "an argument is a handle to what this machine alone has (a Lock, Queue, Array or the \
         like): use `mp_cluster::Lock`, `Queue` or `Dict`, or send the content",
    )
}

impl Core {
    /// Makes a message of a chunk.
    pub(crate) fn encode(&self, number: u64, epoch: u32, chunk: &Chunk, order: &[u8]) -> Outgoing {
        let mut values = Vec::new();
        let context = chunk.context().map(|context| {
            let value = Value::context(context, self.digest_of(context));
            let stored = value.stored;
            values.push(value);
            (stored, context.head())
        });
        let room = self.link.client.max_payload().saturating_sub(ROOM + order.len());
        let body = if chunk.bytes().len() + chunk.table().len() <= room {
            Body::Inline(chunk.bytes())
        } else {
            let value = Value::items(chunk.bytes());
            let stored = value.stored;
            values.push(value);
            Body::Stored(stored)
        };
        let (client, table, function) = (self.id, &*chunk.table(), start_of(chunk.function_name()));
        let task = TaskMessage { client, number, order, function, context, table, body };
        let mut message = task.encode();
        self.link.seal.close(&mut message);
        let lane = Lane::of(chunk.options().priority);
        Outgoing { number, lane, id: format!("{client}.{number}.{epoch}"), message, values }
    }

    /// The digest of a shared value, which is looked for once.
    fn digest_of(&self, context: &Arc<Context>) -> Digest {
        let mut known = self.digests();
        known.retain(|(other, _)| other.strong_count() > 0);
        if let Some((_, digest)) =
            known.iter().find(|(other, _)| other.as_ptr() == Arc::as_ptr(context))
        {
            return *digest;
        }
        let digest = Digest::of(context.parcel().bytes());
        known.push((Arc::downgrade(context), digest));
        digest
    }
}

/// Enough of a function's name: that of a generic one can be very long.
fn start_of(name: &str) -> &str {
    let end = name.char_indices().map(|(at, _)| at).find(|&at| at >= NAME);
    &name[..end.unwrap_or(name.len())]
}

/// The encoded order of a chunk.
pub(crate) fn order_of(chunk: &Chunk) -> Result<Parcel, TaskErrorKind> {
    let mut order = Order::of(chunk);
    // Whoever ends this client may want to stop what runs.
    order.options.killable = true;
    Parcel::encode(&order).map_err(|error| TaskErrorKind::undecodable(error.to_string()))
}

/// Whether all of a chunk can go to another machine.
pub(crate) fn can_travel(chunk: &Chunk) -> bool {
    let of_context = |context: &Arc<Context>| context.parcel().descriptors().is_empty();
    chunk.descriptors().is_empty() && chunk.context().is_none_or(of_context)
}
