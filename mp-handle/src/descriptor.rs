//! A file descriptor that travels.
//!
//! While a [`Parcel`](crate::Parcel) is encoded or decoded, a thread-local table holds the
//! descriptors of that parcel; a [`Descriptor`] is serialized as its place in the table. Outside
//! a parcel there is no table, and serializing one is an error instead of a number that means
//! nothing elsewhere.

use std::cell::{Cell, RefCell};
use std::io;
use std::mem;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An open file descriptor that can be sent to another process inside a [`Parcel`](crate::Parcel).
///
/// Clones share one descriptor; it is closed when the last of them is dropped. Whatever can be
/// turned into an [`OwnedFd`] can travel: files, sockets, pipes.
///
/// # Examples
///
/// ```
/// use std::io::{Read, Write};
/// use std::os::fd::OwnedFd;
/// use mp_handle::{Descriptor, Parcel};
///
/// let (mut reader, writer) = std::io::pipe()?;
/// let parcel = Parcel::encode(&Descriptor::from(OwnedFd::from(writer)))?;
/// let arrived: Descriptor = parcel.decode()?;
/// let mut writer = std::io::PipeWriter::from(arrived.into_owned()?);
/// writer.write_all(b"hello")?;
/// drop(writer);
/// let mut text = String::new();
/// reader.read_to_string(&mut text)?;
/// assert_eq!(text, "hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Descriptor {
    fd: Arc<OwnedFd>,
}

impl Descriptor {
    /// Returns the descriptor itself: the same one if this is its only handle, a duplicate
    /// otherwise.
    ///
    /// # Errors
    ///
    /// The system's error if the descriptor had to be duplicated and could not be.
    pub fn into_owned(self) -> io::Result<OwnedFd> {
        Arc::try_unwrap(self.fd).or_else(|shared| shared.try_clone())
    }

    fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.fd, &other.fd)
    }
}

impl From<OwnedFd> for Descriptor {
    fn from(fd: OwnedFd) -> Self {
        Self { fd: Arc::new(fd) }
    }
}

impl AsFd for Descriptor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// What this thread is at. It is looked at twice for each value that travels, so it stands in a
/// word of its own, without a destructor: the table itself need not be touched for most values.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Neither encodes nor decodes a parcel.
    Outside,
    /// Encodes or decodes one; the table is empty.
    Empty,
    /// Encodes or decodes one; there are descriptors in the table.
    Filled,
}

thread_local! {
    static STATE: Cell<State> = const { Cell::new(State::Outside) };
    /// The descriptors of the parcel.
    static TABLE: RefCell<Vec<Descriptor>> = const { RefCell::new(Vec::new()) };
}

/// Exchanges the table of this thread for another.
#[cold]
fn exchange(other: &mut Vec<Descriptor>) {
    TABLE.with_borrow_mut(|table| mem::swap(table, other));
}

/// Runs `work` with `table` as the descriptors of the current parcel, to which it may attach more.
/// Nests: a value's own `Serialize` may encode another parcel.
#[inline]
pub(crate) fn with_table<R>(table: &mut Vec<Descriptor>, work: impl FnOnce() -> R) -> R {
    /// Puts both tables back where they were, also when the user's code panics.
    struct Restore<'a> {
        table: &'a mut Vec<Descriptor>,
        outer: State,
    }
    impl Drop for Restore<'_> {
        #[inline]
        fn drop(&mut self) {
            if STATE.replace(self.outer) == State::Filled || self.outer == State::Filled {
                exchange(self.table);
            }
        }
    }
    let state = if table.is_empty() { State::Empty } else { State::Filled };
    let outer = STATE.replace(state);
    if state == State::Filled || outer == State::Filled {
        exchange(table);
    }
    let _restore = Restore { table, outer };
    work()
}

const OUTSIDE: &str = "a handle travels only inside a Parcel (as an argument, a result or a \
                       message of this library), not through another serializer";

impl Serialize for Descriptor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if STATE.get() == State::Outside {
            return Err(serde::ser::Error::custom(OUTSIDE));
        }
        STATE.set(State::Filled);
        let index = TABLE.with_borrow_mut(|table| {
            let known = table.iter().position(|other| other.is_same(self));
            known.unwrap_or_else(|| {
                table.push(self.clone());
                table.len() - 1
            })
        });
        let index = u32::try_from(index).map_err(serde::ser::Error::custom)?;
        serializer.serialize_u32(index)
    }
}

impl<'de> Deserialize<'de> for Descriptor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let index = u32::deserialize(deserializer)? as usize;
        TABLE.with_borrow(|table| match table.get(index) {
            Some(descriptor) => Ok(descriptor.clone()),
            None if STATE.get() == State::Outside => Err(serde::de::Error::custom(OUTSIDE)),
            None => Err(serde::de::Error::custom(format_args!(
                "handle {index} of a parcel that carries {}",
                table.len()
            ))),
        })
    }
}
