//! Proxies inside values: what they become on the way to a server, and back.
//!
//! A value that is stored on a server names the objects of that server by their numbers, and the
//! server is told which ones, so that it keeps them as long as the value. Who reads the value is
//! given one reference for each, before the answer is sent, and each proxy that is decoded takes
//! one of them over. Everywhere else a proxy travels with a lease (see
//! [`Reference`](crate::client::Reference)).
//!
//! Which of the two is meant is known to nobody but the caller of the codec, so it stands in a
//! thread-local meanwhile.

use std::cell::RefCell;
use std::mem;
use std::ops::Range;

use mp_handle::{CodecError, Parcel};
use serde::Serialize;
use serde::de::{DeserializeOwned, Error};

use crate::client;
use crate::origin::Origin;
use crate::wire::{ObjectId, Value};

/// What this thread is at.
enum Context {
    /// It encodes or decodes nothing of ours.
    Outside,
    /// It encodes a value for this server.
    ToServer { server: u128, named: Vec<ObjectId> },
    /// It decodes a value of this server.
    FromServer { origin: Origin, granted: Vec<ObjectId> },
}

thread_local! {
    static CONTEXT: RefCell<Context> = const { RefCell::new(Context::Outside) };
}

/// Puts the outer context back in the end, also when the user's code panics.
struct Restore(Context);

impl Restore {
    fn enter(context: Context) -> Self {
        Self(CONTEXT.replace(context))
    }

    /// Leaves, and returns the context as it is now.
    fn leave(mut self) -> Context {
        let outer = mem::replace(&mut self.0, Context::Outside);
        let inner = CONTEXT.replace(outer);
        mem::forget(self);
        inner
    }
}

impl Drop for Restore {
    fn drop(&mut self) {
        CONTEXT.replace(mem::replace(&mut self.0, Context::Outside));
    }
}

/// Encodes a value for a server behind what is in the parcel; returns where it is, and the objects
/// that it names.
pub(crate) fn encode<T: Serialize + ?Sized>(
    server: u128,
    parcel: &mut Parcel,
    value: &T,
) -> Result<(Range<usize>, Vec<ObjectId>), CodecError> {
    let restore = Restore::enter(Context::ToServer { server, named: Vec::new() });
    let range = parcel.push(value)?;
    if !parcel.descriptors().is_empty() {
        return Err(CodecError::custom("a handle with a descriptor cannot be kept by a server"));
    }
    match restore.leave() {
        Context::ToServer { named, .. } => Ok((range, named)),
        Context::Outside | Context::FromServer { .. } => Ok((range, Vec::new())),
    }
}

/// Decodes a value of a server. `granted` are references that this process was given with it.
pub(crate) fn decode<T: DeserializeOwned>(
    origin: &Origin,
    parcel: &Parcel,
    range: Range<usize>,
    granted: Vec<ObjectId>,
) -> Result<T, CodecError> {
    let restore = Restore::enter(Context::FromServer { origin: origin.clone(), granted });
    let value = parcel.get(range);
    if let Context::FromServer { granted, .. } = restore.leave()
        && !granted.is_empty()
        && let Ok(link) = client::link_to(origin)
    {
        granted.into_iter().for_each(|id| link.release(id));
    }
    value
}

/// Decodes a value that is on the server itself.
pub(crate) fn decode_here<T: DeserializeOwned>(
    origin: &Origin,
    value: Value<'_>,
) -> Result<T, CodecError> {
    let parcel = Parcel::from_parts(value.bytes.to_vec(), Vec::new());
    let range = 0..value.bytes.len();
    if value.references().len() == 0 {
        return parcel.get(range);
    }
    decode(origin, &parcel, range, Vec::new())
}

/// Notes that the value which is being encoded names an object, if that is one of the server for
/// which it is encoded.
pub(crate) fn name(server: u128, id: ObjectId) -> bool {
    CONTEXT.with_borrow_mut(|context| match context {
        Context::ToServer { server: here, named } if *here == server => {
            named.push(id);
            true
        }
        _ => false,
    })
}

/// Where the value comes from that is being decoded, and whether a reference to the object was
/// granted with it, which the caller then has.
pub(crate) fn take(id: ObjectId) -> Option<(Origin, bool)> {
    CONTEXT.with_borrow_mut(|context| match context {
        Context::FromServer { origin, granted } => {
            let place = granted.iter().position(|&other| other == id);
            let is_granted = place.map(|place| granted.swap_remove(place)).is_some();
            Some((origin.clone(), is_granted))
        }
        _ => None,
    })
}
