//! Bytes and descriptors that travel together.

use std::cell::RefCell;
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

impl Body {
    /// The bytes as a vector that can grow; received ones are copied first.
    #[inline]
    fn owned(&mut self) -> &mut Vec<u8> {
        if let Self::Sealed(_) = self {
            self.copy();
        }
        match self {
            Self::Owned(bytes) => bytes,
            Self::Sealed(_) => unreachable!("replaced above"),
        }
    }

    #[cold]
    fn copy(&mut self) {
        if let Self::Sealed(sealed) = self {
            *self = Self::Owned(sealed.as_slice().to_vec());
        }
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
    #[inline]
    pub fn clear(&mut self) {
        match &mut self.body {
            Body::Owned(bytes) => bytes.clear(),
            Body::Sealed(_) => self.body = Body::default(),
        }
        self.descriptors.clear();
    }

    /// Encodes one more value behind those that are there, and returns the range of its bytes.
    ///
    /// # Errors
    ///
    /// As [`encode`](Self::encode). The parcel is then as it was, also if the value's own
    /// `Serialize` panics.
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
    #[inline]
    pub fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<Range<usize>, CodecError> {
        let bytes = self.body.owned().len();
        let descriptors = self.descriptors.len();
        let mark = Mark { parcel: self, bytes, descriptors };
        let Parcel { body, descriptors } = &mut *mark.parcel;
        descriptor::with_table(descriptors, || codec::encode(value, body.owned()))?;
        let end = mark.parcel.bytes().len();
        mem::forget(mark);
        Ok(bytes..end)
    }

    /// Puts bytes that were encoded elsewhere behind those that are there, and returns their range.
    #[inline]
    pub fn push_bytes(&mut self, bytes: &[u8]) -> Range<usize> {
        let own = self.body.owned();
        let start = own.len();
        own.extend_from_slice(bytes);
        start..own.len()
    }

    /// Decodes the value whose bytes are at `range`.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode), or the range is not within the parcel.
    #[inline]
    pub fn get<T: DeserializeOwned>(&self, range: Range<usize>) -> Result<T, CodecError> {
        let bytes = self.bytes().get(range).ok_or_else(|| {
            <CodecError as serde::de::Error>::custom("a range outside of the parcel")
        })?;
        descriptor::with_table(&mut self.descriptors.clone(), || codec::decode(bytes))
    }

    /// The encoded bytes.
    #[must_use]
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        match &self.body {
            Body::Owned(bytes) => bytes,
            Body::Sealed(sealed) => sealed.as_slice(),
        }
    }

    /// The encoded bytes, to append to by other means: what was encoded elsewhere. Received ones
    /// are copied first.
    #[inline]
    pub fn bytes_mut(&mut self) -> &mut Vec<u8> {
        self.body.owned()
    }

    /// The descriptors of the handles in the parcel, each once.
    #[must_use]
    #[inline]
    pub fn descriptors(&self) -> &[Descriptor] {
        &self.descriptors
    }

    /// Puts together what was taken apart with [`bytes`](Self::bytes) and
    /// [`descriptors`](Self::descriptors), to carry it by other means.
    #[must_use]
    pub fn from_parts(bytes: Vec<u8>, descriptors: Vec<Descriptor>) -> Self {
        Self { body: Body::Owned(bytes), descriptors }
    }

    /// Takes the parcel apart, to carry it by other means or to use its buffer again.
    #[must_use]
    pub fn into_parts(mut self) -> (Vec<u8>, Vec<Descriptor>) {
        (mem::take(self.body.owned()), mem::take(&mut self.descriptors))
    }

    pub(crate) fn from_sealed(bytes: SealedBytes, descriptors: Vec<Descriptor>) -> Self {
        Self { body: Body::Sealed(bytes), descriptors }
    }
}

impl Drop for Parcel {
    fn drop(&mut self) {
        if let Body::Owned(bytes) = &mut self.body {
            keep_spare(mem::take(bytes));
        }
    }
}

/// How far a parcel is filled. What was added behind it is taken back in the end, unless the mark
/// was forgotten.
struct Mark<'a> {
    parcel: &'a mut Parcel,
    bytes: usize,
    descriptors: usize,
}

impl Drop for Mark<'_> {
    #[cold]
    fn drop(&mut self) {
        self.parcel.body.owned().truncate(self.bytes);
        self.parcel.descriptors.truncate(self.descriptors);
    }
}

/// Fresh pages cost more than the copy into them, so each thread keeps one buffer for its next
/// parcel; a larger one than this goes back to the system.
const SPARE_MAX: usize = 4 << 20;

thread_local! {
    static SPARE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

fn take_spare() -> Vec<u8> {
    SPARE.try_with(RefCell::take).unwrap_or_default()
}

fn keep_spare(mut bytes: Vec<u8>) {
    if bytes.capacity() == 0 || bytes.capacity() > SPARE_MAX {
        return;
    }
    bytes.clear();
    // At the end of a thread its spare may be gone already: then this one is freed as well.
    let _ = SPARE.try_with(|spare| {
        let mut spare = spare.borrow_mut();
        if spare.capacity() < bytes.capacity() {
            *spare = bytes;
        }
    });
}
