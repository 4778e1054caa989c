//! The message that is being written: appends to the buffer, and counts the levels.

use super::error::CodecError;
use super::format::{MAX_DEPTH, NO_TABLE, frame};
use super::schema::Schemas;

/// Writes one message.
pub(super) struct Writer<'a> {
    pub(super) out: &'a mut Vec<u8>,
    /// How many values are open. Left as it is by an error, so that one which a `Serialize` hides
    /// is found in the end.
    depth: u32,
    /// Fetched when the first name turns up: numbers and text need none.
    schemas: Option<Box<Schemas>>,
}

impl<'a> Writer<'a> {
    #[inline]
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, depth: 0, schemas: None }
    }

    /// Ends the message.
    #[inline]
    pub(super) fn finish(self) -> Result<(), CodecError> {
        if self.depth != 0 {
            return Err(CodecError::malformed("a part of the value failed to serialize"));
        }
        match self.schemas {
            Some(schemas) => schemas.finish(self.out),
            None => {
                self.out.push(NO_TABLE);
                Ok(())
            }
        }
    }

    #[inline]
    pub(super) fn enter(&mut self) -> Result<(), CodecError> {
        if self.depth == MAX_DEPTH {
            return Err(CodecError::too_deep());
        }
        self.depth += 1;
        Ok(())
    }

    #[inline]
    pub(super) fn leave(&mut self, levels: u32) {
        self.depth -= levels;
    }

    #[inline]
    pub(super) fn schemas(&mut self) -> &mut Schemas {
        self.schemas.get_or_insert_with(Schemas::take)
    }

    /// Writes `tag` and a length, and gives the place of the length.
    #[inline]
    pub(super) fn header(&mut self, tag: u8, length: u64) -> usize {
        self.out.extend_from_slice(&frame::<9>(tag, &length.to_ne_bytes()));
        self.out.len() - 8
    }

    /// Overwrites what stands at `place`.
    #[inline]
    pub(super) fn patch(&mut self, place: usize, bytes: &[u8]) {
        self.out[place..place + bytes.len()].copy_from_slice(bytes);
    }

    #[inline]
    pub(super) fn blob(&mut self, tag: u8, bytes: &[u8]) {
        // With the byte that ends a message: for that alone a large buffer would be moved.
        self.out.reserve(9 + bytes.len() + 1);
        self.header(tag, bytes.len() as u64);
        self.out.extend_from_slice(bytes);
    }

    /// Writes `tag` and the schema that holds the name of a variant.
    #[inline]
    pub(super) fn variant(&mut self, tag: u8, name: &'static str) {
        let number = self.schemas().variant(name);
        self.out.extend_from_slice(&frame::<5>(tag, &number.to_ne_bytes()));
    }
}
