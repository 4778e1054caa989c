//! Where the parts of a list lie.
//!
//! ```text
//! 0        8                    8(n+2)              + data size     + 8n
//! | n: i64 | n+1 offsets: i64 | data, in slots ... | n formats: 8 | n codes: 1 |
//! ```
//!
//! The offsets are those of the slots, from the start of the data; the last is the data's size.
//! What is behind the codes belongs to nobody.

use std::ops::Range;

use super::format::FORMAT;
use super::item::{self, Encoded};
use super::{Item, ListError};
use crate::segment::SharedMemory;

const WORD: usize = 8;

/// The parts of a list that were checked to lie inside its memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    count: usize,
    /// Where the data begin, and where they end and the formats begin.
    data: usize,
    formats: usize,
}

impl Layout {
    /// Reads and checks what concerns the whole list.
    pub(super) fn read(memory: &SharedMemory) -> Result<Layout, ListError> {
        let size = memory.size();
        Layout::within(memory, size).ok_or(ListError::NotAList { size })
    }

    fn within(memory: &SharedMemory, size: usize) -> Option<Layout> {
        let count = word(memory, 0)?;
        let data = count.checked_add(2)?.checked_mul(WORD)?;
        let formats = data.checked_add(word(memory, data - WORD)?)?;
        let end = formats.checked_add(count.checked_mul(FORMAT + 1)?)?;
        (end <= size).then_some(Layout { count, data, formats })
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Returns where the item's slot is.
    pub(super) fn place(
        &self,
        memory: &SharedMemory,
        index: usize,
    ) -> Result<Range<usize>, ListError> {
        if index >= self.count {
            return Err(ListError::OutOfBounds { index, len: self.count });
        }
        let offset = |index: usize| {
            let offset = word(memory, WORD * (index + 1))?;
            self.data.checked_add(offset).filter(|&end| end <= self.formats)
        };
        let slot = offset(index).zip(offset(index + 1)).filter(|(start, end)| start <= end);
        slot.map(|(start, end)| start..end).ok_or(ListError::Corrupt { index })
    }

    /// Returns what is noted of an item that there is: its format and its code.
    pub(super) fn mark(
        &self,
        memory: &SharedMemory,
        index: usize,
    ) -> Result<([u8; FORMAT], u8), ListError> {
        let (mut format, mut code) = ([0; FORMAT], [0]);
        memory.read(self.formats + index * FORMAT, &mut format)?;
        memory.read(self.code(index), &mut code)?;
        Ok((format, code[0]))
    }

    /// Notes format and code of an item that there is.
    pub(super) fn set_mark(
        &self,
        memory: &SharedMemory,
        index: usize,
        format: &[u8; FORMAT],
        code: u8,
    ) -> Result<(), ListError> {
        memory.write(self.formats + index * FORMAT, format)?;
        Ok(memory.write(self.code(index), &[code])?)
    }

    fn code(&self, index: usize) -> usize {
        self.formats + self.count * FORMAT + index
    }
}

/// Reads a number of the layout; `None` if it is outside of the memory, or negative.
fn word(memory: &SharedMemory, offset: usize) -> Option<usize> {
    let mut bytes = [0; WORD];
    memory.read(offset, &mut bytes).ok()?;
    usize::try_from(i64::from_ne_bytes(bytes)).ok()
}

/// Returns the bytes of a list of the given items.
pub(super) fn image<T: Into<Item>>(
    items: impl IntoIterator<Item = T>,
) -> Result<Vec<u8>, ListError> {
    let (mut offsets, mut data) = (Vec::new(), Vec::new());
    let (mut formats, mut codes) = (Vec::new(), Vec::new());
    for item in items {
        let item = item.into();
        let Encoded { format, code, bytes } = item::encode(&item)?;
        offsets.push(data.len() as u64);
        let end = data.len() + format.slot();
        data.extend_from_slice(&bytes);
        data.resize(end, 0);
        formats.extend_from_slice(&format.to_bytes());
        codes.push(code);
    }
    let count = codes.len() as u64;
    let head = [count].into_iter().chain(offsets).chain([data.len() as u64]);
    let mut image: Vec<u8> = head.flat_map(u64::to_ne_bytes).collect();
    for part in [data, formats, codes] {
        image.extend_from_slice(&part);
    }
    Ok(image)
}
