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

use std::cell::{Cell, RefCell};
use std::mem;
use std::ops::Range;
use std::thread;

use mp_handle::{CodecError, Parcel};
use serde::Serialize;
use serde::de::{DeserializeOwned, Error};

use crate::client;
use crate::origin::Origin;
use crate::wire::{ObjectId, Value};

/// What this thread is at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Context {
    /// It encodes or decodes nothing of ours.
    Outside,
    /// It encodes a value for this server.
    ToServer(u128),
    /// It decodes a value of a server.
    FromServer,
}

/// The objects that are named, and where they are: nearly always none.
#[derive(Default)]
struct Names {
    /// Named by the value that is being encoded, or granted with the one that is being decoded.
    ids: Vec<ObjectId>,
    /// Where the value comes from that is being decoded.
    origin: Option<Origin>,
}

thread_local! {
    static CONTEXT: Cell<Context> = const { Cell::new(Context::Outside) };
    static NAMES: RefCell<Names> = const { RefCell::new(Names { ids: Vec::new(), origin: None }) };
}

/// Puts the outer context back in the end, also when the user's code panics.
struct Restore {
    context: Context,
    /// Put aside only within another value.
    names: Option<Names>,
}

impl Restore {
    #[inline]
    fn enter(context: Context) -> Self {
        let outer = CONTEXT.replace(context);
        let names = (outer != Context::Outside).then(|| NAMES.take());
        Self { context: outer, names }
    }

    /// The names that were noted and not taken since it was entered.
    #[inline]
    fn names(&self) -> Vec<ObjectId> {
        NAMES.with_borrow_mut(|names| mem::take(&mut names.ids))
    }
}

impl Drop for Restore {
    #[inline]
    fn drop(&mut self) {
        CONTEXT.set(self.context);
        // A panic of the user's code has left its names there.
        if self.names.is_some() || thread::panicking() {
            NAMES.set(self.names.take().unwrap_or_default());
        }
    }
}

/// Encodes a value for a server behind what is in the parcel; returns where it is, and the objects
/// that it names.
pub(crate) fn encode<T: Serialize + ?Sized>(
    server: u128,
    parcel: &mut Parcel,
    value: &T,
) -> Result<(Range<usize>, Vec<ObjectId>), CodecError> {
    let restore = Restore::enter(Context::ToServer(server));
    let pushed = parcel.push(value);
    let named = restore.names();
    let range = pushed?;
    if !parcel.descriptors().is_empty() {
        return Err(CodecError::custom("a handle with a descriptor cannot be kept by a server"));
    }
    Ok((range, named))
}

/// Decodes a value of a server. `granted` are references that this process was given with it.
pub(crate) fn decode<T: DeserializeOwned>(
    origin: &Origin,
    parcel: &Parcel,
    range: Range<usize>,
    granted: Vec<ObjectId>,
) -> Result<T, CodecError> {
    let restore = Restore::enter(Context::FromServer);
    NAMES.set(Names { ids: granted, origin: Some(origin.clone()) });
    let value = parcel.get(range);
    let left = restore.names();
    if !left.is_empty()
        && let Ok(link) = client::link_to(origin)
    {
        left.into_iter().for_each(|id| link.release(id));
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
    let is_here = CONTEXT.get() == Context::ToServer(server);
    if is_here {
        NAMES.with_borrow_mut(|names| names.ids.push(id));
    }
    is_here
}

/// Where the value comes from that is being decoded, and whether a reference to the object was
/// granted with it, which the caller then has.
pub(crate) fn take(id: ObjectId) -> Option<(Origin, bool)> {
    if CONTEXT.get() != Context::FromServer {
        return None;
    }
    NAMES.with_borrow_mut(|names| {
        let place = names.ids.iter().position(|&other| other == id);
        let is_granted = place.map(|place| names.ids.swap_remove(place)).is_some();
        Some((names.origin.clone()?, is_granted))
    })
}
