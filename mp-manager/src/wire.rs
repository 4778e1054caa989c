//! What client and server say to each other: frames of fields.
//!
//! ```text
//! request  | id u64 | object u64 | op u8 | fields ...
//! answer   | id u64 | status u8 | fields ...
//! bytes    | length u32 | bytes
//! value    | length u32, its highest bit: with references | bytes | count u32, ids u64 ...
//! ```
//!
//! Over the sockets of other programs each frame has its length before it, four bytes. All numbers
//! are little-endian. A request with id 0 is not answered. The value's bytes are those of a `Parcel`, and nobody but
//! the typed ends looks into them; the references are the served objects that are named in it.
//! Whatever arrives is read through a [`Reader`], which gives an error where there is too little.

/// Counts the changes of the protocol; each side tells the other when it connects.
pub(crate) const PROTOCOL: u32 = 1;

/// The number of a served object, never used again.
pub(crate) type ObjectId = u64;

/// Not an object: the server itself.
pub(crate) const SERVER: ObjectId = 0;

/// The id of requests that want no answer.
pub(crate) const NO_ANSWER: u64 = 0;

pub(crate) const REQUEST_HEADER: usize = 17;
pub(crate) const ANSWER_HEADER: usize = 9;

/// The status of an answer that is none of the refusals.
pub(crate) const DONE: u8 = 0;

/// What the server itself is asked for.
pub(crate) mod op {
    pub(crate) const CREATE: u8 = 1;
    pub(crate) const CLAIM: u8 = 2;
    pub(crate) const RELEASE: u8 = 3;
    pub(crate) const LEASE: u8 = 4;
    pub(crate) const FUNCTION: u8 = 5;
    pub(crate) const INFO: u8 = 6;
    pub(crate) const SHUTDOWN: u8 = 7;
    /// Where other programs find it.
    pub(crate) const ADDRESS: u8 = 8;
    /// Answered when the server ends, by its end, or when the time is over.
    pub(crate) const JOIN: u8 = 9;
    pub(crate) const PUBLISH: u8 = 10;
    pub(crate) const UNPUBLISH: u8 = 11;
    pub(crate) const FIND: u8 = 12;
    pub(crate) const PUBLISHED: u8 = 13;
    /// A reference to the object that is kept under a name.
    pub(crate) const KEEP: u8 = 14;
    /// Whether there was one of that name, which is not kept any longer.
    pub(crate) const DISCARD: u8 = 15;
    /// The names of all that are kept.
    pub(crate) const KEPT: u8 = 16;
}

/// Set in a value's length if references follow its bytes.
const REFERENCES: u32 = 1 << 31;

/// Bytes that are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// An encoded value on the wire.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value<'a> {
    pub(crate) bytes: &'a [u8],
    /// Eight bytes for each.
    references: &'a [u8],
}

impl Value<'_> {
    pub(crate) fn references(&self) -> impl ExactSizeIterator<Item = ObjectId> {
        self.references.chunks_exact(8).map(|id| u64::from_le_bytes(std::array::from_fn(|i| id[i])))
    }
}

/// Takes fields off the front of a frame.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What has not been taken yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(Malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Malformed)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Malformed> {
        self.array().map(u8::from_le_bytes)
    }

    pub(crate) fn flag(&mut self) -> Result<bool, Malformed> {
        self.u8().map(|byte| byte != 0)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let len = self.u32()?;
        self.take(len as usize)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Malformed)
    }

    pub(crate) fn value(&mut self) -> Result<Value<'a>, Malformed> {
        let len = self.u32()?;
        let bytes = self.take((len & !REFERENCES) as usize)?;
        if len & REFERENCES == 0 {
            return Ok(Value { bytes, references: &[] });
        }
        let count = self.u32()? as usize;
        let references = self.take(count.checked_mul(8).ok_or(Malformed)?)?;
        Ok(Value { bytes, references })
    }

    /// A value that may be absent, behind a flag.
    pub(crate) fn optional(&mut self) -> Result<Option<Value<'a>>, Malformed> {
        if self.flag()? { self.value().map(Some) } else { Ok(None) }
    }
}

/// Puts fields behind each other.
pub(crate) trait Put {
    fn put(&mut self, bytes: &[u8]);

    fn put_u8(&mut self, number: u8) {
        self.put(&[number]);
    }

    fn put_u32(&mut self, number: u32) {
        self.put(&number.to_le_bytes());
    }

    fn put_u64(&mut self, number: u64) {
        self.put(&number.to_le_bytes());
    }

    /// Frames are limited far below what a length can say.
    fn put_bytes(&mut self, bytes: &[u8]) {
        self.put_u32(bytes.len() as u32);
        self.put(bytes);
    }

    fn put_value(&mut self, bytes: &[u8], ids: impl ExactSizeIterator<Item = ObjectId>) {
        let flag = if ids.len() == 0 { 0 } else { REFERENCES };
        self.put_u32(bytes.len() as u32 | flag);
        self.put(bytes);
        self.put_references(ids);
    }

    /// What follows the bytes of a value, if there are references.
    fn put_references(&mut self, ids: impl ExactSizeIterator<Item = ObjectId>) {
        if ids.len() != 0 {
            self.put_u32(ids.len() as u32);
            ids.for_each(|id| self.put_u64(id));
        }
    }
}

impl Put for Vec<u8> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// The length of a value whose bytes come afterwards.
pub(crate) fn value_length(len: usize, has_references: bool) -> [u8; 4] {
    let flag = if has_references { REFERENCES } else { 0 };
    (len as u32 | flag).to_le_bytes()
}

/// What stands before the fields of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RequestHeader {
    pub(crate) id: u64,
    pub(crate) object: ObjectId,
    pub(crate) op: u8,
}

impl RequestHeader {
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        out.put_u64(self.id);
        out.put_u64(self.object);
        out.put_u8(self.op);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self { id: reader.u64()?, object: reader.u64()?, op: reader.u8()? })
    }
}

#[cfg(test)]
mod tests {
    use super::{Malformed, Put, Reader, RequestHeader};

    #[test]
    fn what_is_put_is_read() {
        let mut bytes = Vec::new();
        let header = RequestHeader { id: 7, object: u64::MAX, op: 3 };
        header.write(&mut bytes);
        bytes.put_bytes(b"ab");
        bytes.put_value(b"plain", [].into_iter());
        bytes.put_value(b"named", [1, 2].into_iter());
        let mut reader = Reader::new(&bytes);
        assert_eq!(RequestHeader::read(&mut reader), Ok(header));
        assert_eq!(reader.bytes(), Ok(&b"ab"[..]));
        let plain = reader.value().unwrap();
        assert_eq!((plain.bytes, plain.references().len()), (&b"plain"[..], 0));
        let named = reader.value().unwrap();
        assert_eq!((named.bytes, named.references().collect()), (&b"named"[..], vec![1, 2]));
        assert_eq!(reader.u8(), Err(Malformed));
    }

    #[test]
    fn lengths_that_lie_are_errors() {
        for bytes in [
            &[][..],
            &[1, 0, 0],
            &[1, 0, 0, 0],
            &[0xff, 0xff, 0xff, 0x7f],
            &[0, 0, 0, 0x80, 0xff, 0xff, 0xff, 0xff, 0],
            &[0, 0, 0, 0x80, 1, 0, 0, 0, 1, 2, 3],
        ] {
            assert!(Reader::new(bytes).value().is_err(), "{bytes:?}");
        }
    }
}
