//! Bytes and descriptors that travel together.

use std::cell::Cell;
use std::mem;
use std::ops::Range;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec::{self, CodecError};
use crate::descriptor::{self, Descriptor};
use crate::sealed::SealedBytes;

/// A value on its way to another process: its encoded bytes, and the descriptors of the handles
/// in it.
///
/// Every serde type can travel, whatever its attributes (`untagged`, `flatten`,
/// `skip_serializing_if` and the like included). The encoding is private to one version of one
/// program; it is not a file format. A failed encode or decode closes what it had attached.
///
/// # Examples
///
/// ```
/// use mp_handle::Parcel;
///
/// let parcel = Parcel::encode(&("sum", vec![1.0, 2.5]))?;
/// let (name, numbers): (String, Vec<f64>) = parcel.decode()?;
/// assert_eq!((name.as_str(), numbers.as_slice()), ("sum", &[1.0, 2.5][..]));
/// # Ok::<(), mp_handle::CodecError>(())
/// ```
#[derive(Debug, Default)]
pub struct Parcel {
    body: Body,
    descriptors: Vec<Descriptor>,
}

#[derive(Debug)]
enum Body {
    Owned(Vec<u8>),
    Sealed(SealedBytes),
}

impl Default for Body {
    fn default() -> Self {
        Self::Owned(Vec::new())
    }
}

impl Parcel {
    /// Makes an empty parcel, to [`push`](Self::push) values into.
    #[must_use]
    pub fn new() -> Self {
        Self { body: Body::Owned(take_spare()), descriptors: Vec::new() }
    }

    /// Encodes one value.
    ///
    /// # Errors
    ///
    /// The value's own `Serialize` failed, or it is nested too deep.
    pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Self, CodecError> {
        let mut parcel = Self::new();
        parcel.push(value)?;
        Ok(parcel)
    }

    /// Decodes the one value of a parcel.
    ///
    /// # Errors
    ///
    /// The bytes are not those of a `T`, or the value's own `Deserialize` failed.
    pub fn decode<T: DeserializeOwned>(self) -> Result<T, CodecError> {
        self.get(0..self.bytes().len())
    }

    /// Makes it empty, to be used again.
    pub fn clear(&mut self) {
        self.owned_bytes().clear();
        self.descriptors.clear();
    }

    /// Encodes one more value behind those that are there, and returns the range of its bytes.
    ///
    /// # Errors
    ///
    /// As [`encode`](Self::encode); the parcel is then as it was.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut parcel = mp_handle::Parcel::new();
    /// let first = parcel.push("one")?;
    /// let second = parcel.push(&2u8)?;
    /// assert_eq!(parcel.get::<u8>(second)?, 2);
    /// assert_eq!(parcel.get::<String>(first)?, "one");
    /// # Ok::<(), mp_handle::CodecError>(())
    /// ```
    pub fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<Range<usize>, CodecError> {
        let known = self.descriptors.len();
        let table = mem::take(&mut self.descriptors);
        let bytes = self.owned_bytes();
        let start = bytes.len();
        let (result, mut table) =
            descriptor::with_table(table, || codec::encode(value, bytes));
        let end = bytes.len();
        if result.is_err() {
            table.truncate(known);
        }
        self.descriptors = table;
        result.map(|()| start..end)
    }

    /// Puts bytes that were encoded elsewhere behind those that are there, and returns their range.
    pub fn push_bytes(&mut self, bytes: &[u8]) -> Range<usize> {
        let own = self.owned_bytes();
        let start = own.len();
        own.extend_from_slice(bytes);
        start..own.len()
    }

    /// Decodes the value whose bytes are at `range`.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode), or the range is not within the parcel.
    pub fn get<T: DeserializeOwned>(&self, range: Range<usize>) -> Result<T, CodecError> {
        let bytes = self.bytes().get(range).ok_or_else(|| {
            <CodecError as serde::de::Error>::custom("a range outside of the parcel")
        })?;
        descriptor::with_table(self.descriptors.clone(), || codec::decode(bytes)).0
    }

    /// The encoded bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match &self.body {
            Body::Owned(bytes) => bytes,
            Body::Sealed(sealed) => sealed.as_slice(),
        }
    }

    /// The descriptors of the handles in the parcel, each once.
    #[must_use]
    pub fn descriptors(&self) -> &[Descriptor] {
        &self.descriptors
    }

    /// Puts together what was taken apart with [`bytes`](Self::bytes) and
    /// [`descriptors`](Self::descriptors), to carry it by other means.
    #[must_use]
    pub fn from_parts(bytes: Vec<u8>, descriptors: Vec<Descriptor>) -> Self {
        Self { body: Body::Owned(bytes), descriptors }
    }

    pub(crate) fn from_sealed(bytes: SealedBytes, descriptors: Vec<Descriptor>) -> Self {
        Self { body: Body::Sealed(bytes), descriptors }
    }

    /// The bytes as a vector that can grow; received ones are copied first.
    fn owned_bytes(&mut self) -> &mut Vec<u8> {
        if let Body::Sealed(sealed) = &self.body {
            self.body = Body::Owned(sealed.as_slice().to_vec());
        }
        match &mut self.body {
            Body::Owned(bytes) => bytes,
            Body::Sealed(_) => unreachable!("replaced above"),
        }
    }
}

impl Drop for Parcel {
    fn drop(&mut self) {
        if let Body::Owned(bytes) = &mut self.body {
            keep_spare(mem::take(bytes));
        }
    }
}

/// Fresh pages cost more than the copy into them, so each thread keeps one buffer for its next
/// parcel; a larger one than this goes back to the system.
const SPARE_MAX: usize = 4 << 20;

thread_local! {
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

fn take_spare() -> Vec<u8> {
    SPARE.try_with(Cell::take).unwrap_or_default()
}

fn keep_spare(mut bytes: Vec<u8>) {
    if bytes.capacity() == 0 || bytes.capacity() > SPARE_MAX {
        return;
    }
    bytes.clear();
    // At the end of a thread its spare may be gone already: then this one is freed as well.
    let _ = SPARE.try_with(|spare| {
        let other = spare.take();
        spare.set(if other.capacity() > bytes.capacity() { other } else { bytes });
    });
}
