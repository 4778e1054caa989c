//! A file descriptor that travels.
//!
//! While a [`Parcel`](crate::Parcel) is encoded or decoded, a thread-local table holds the
//! descriptors of that parcel; a [`Descriptor`] is serialized as its place in the table. Outside
//! a parcel there is no table, and serializing one is an error instead of a number that means
//! nothing elsewhere.

use std::cell::RefCell;
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

/// The descriptors of one parcel.
#[derive(Default)]
struct Table {
    /// A parcel is being encoded or decoded.
    open: bool,
    descriptors: Vec<Descriptor>,
}

thread_local! {
    static TABLE: RefCell<Table> =
        const { RefCell::new(Table { open: false, descriptors: Vec::new() }) };
}

fn replace_table(table: Table) -> Table {
    TABLE.with_borrow_mut(|current| mem::replace(current, table))
}

/// Runs `work` with these descriptors as those of the current parcel, and returns them with what
/// `work` attached. Nests: a value's own `Serialize` may encode another parcel.
pub(crate) fn with_table<R>(
    descriptors: Vec<Descriptor>,
    work: impl FnOnce() -> R,
) -> (R, Vec<Descriptor>) {
    /// Puts the outer table back, also when the user's code panics.
    struct Outer(Table);
    impl Drop for Outer {
        fn drop(&mut self) {
            replace_table(mem::take(&mut self.0));
        }
    }
    let mut outer = Outer(replace_table(Table { open: true, descriptors }));
    let result = work();
    let table = replace_table(mem::take(&mut outer.0));
    mem::forget(outer);
    (result, table.descriptors)
}

const OUTSIDE: &str = "a handle travels only inside a Parcel (as an argument, a result or a \
                       message of this library), not through another serializer";

impl Serialize for Descriptor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let index = TABLE.with_borrow_mut(|Table { open, descriptors }| {
            open.then(|| {
                let known = descriptors.iter().position(|other| other.is_same(self));
                known.unwrap_or_else(|| {
                    descriptors.push(self.clone());
                    descriptors.len() - 1
                })
            })
        });
        let index = index.ok_or_else(|| serde::ser::Error::custom(OUTSIDE))?;
        let index = u32::try_from(index).map_err(serde::ser::Error::custom)?;
        serializer.serialize_u32(index)
    }
}

impl<'de> Deserialize<'de> for Descriptor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let index = u32::deserialize(deserializer)? as usize;
        TABLE.with_borrow(|Table { open, descriptors }| match descriptors.get(index) {
            Some(descriptor) => Ok(descriptor.clone()),
            None if !open => Err(serde::de::Error::custom(OUTSIDE)),
            None => Err(serde::de::Error::custom(format_args!(
                "handle {index} of a parcel that carries {}",
                descriptors.len()
            ))),
        })
    }
}
