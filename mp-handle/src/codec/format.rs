//! The wire format: the tags that values begin with, and how much follows each.
//!
//! Numbers are in the machine's own byte order: both ends are the same program.
//!
//! | value | bytes |
//! |---|---|
//! | unit, `bool`, `None` | tag |
//! | number, `char` | tag, the number |
//! | string, bytes | tag, length `u64`, bytes |
//! | `Some` | tag, value |
//! | sequence | `SEQ`, count `u64`, values |
//! | tuple of up to 255 | `TUPLE`, count `u8`, values |
//! | array of numbers | `PACKED`, tag of the numbers, count `u64`, the numbers |
//! | map | `MAP`, count `u64`, keys and values in turn |
//! | struct | `STRUCT`, schema `u32`, values; the schema has the fields' names |
//! | variant without data | `UNIT_VARIANT`, schema `u32`; the schema has the variant's name |
//! | variant with data | `VARIANT`, schema `u32`, one value: its only field, its tuple or struct |
//!
//! Behind the value comes the table of schemas (see `schema`), or one zero byte when there is none.

pub(super) const UNIT: u8 = 0;
pub(super) const FALSE: u8 = 1;
pub(super) const TRUE: u8 = 2;
pub(super) const I8: u8 = 3;
pub(super) const I16: u8 = 4;
pub(super) const I32: u8 = 5;
pub(super) const I64: u8 = 6;
pub(super) const I128: u8 = 7;
pub(super) const U8: u8 = 8;
pub(super) const U16: u8 = 9;
pub(super) const U32: u8 = 10;
pub(super) const U64: u8 = 11;
pub(super) const U128: u8 = 12;
pub(super) const F32: u8 = 13;
pub(super) const F64: u8 = 14;
pub(super) const CHAR: u8 = 15;
pub(super) const STR: u8 = 16;
pub(super) const BYTES: u8 = 17;
pub(super) const NONE: u8 = 18;
pub(super) const SOME: u8 = 19;
pub(super) const SEQ: u8 = 20;
pub(super) const TUPLE: u8 = 21;
pub(super) const PACKED: u8 = 22;
pub(super) const MAP: u8 = 23;
pub(super) const STRUCT: u8 = 24;
pub(super) const UNIT_VARIANT: u8 = 25;
pub(super) const VARIANT: u8 = 26;

/// A `usize` in memory is the same as this.
pub(super) const USIZE: u8 = if size_of::<usize>() == 8 { U64 } else { U32 };
/// An `isize` in memory is the same as this.
pub(super) const ISIZE: u8 = if size_of::<isize>() == 8 { I64 } else { I32 };

/// The last byte of a message without a table of schemas.
pub(super) const NO_TABLE: u8 = 0;
/// The last byte of a message that has one.
pub(super) const TABLE: u8 = 1;

/// How deep values may nest, in both directions. In a debug build a level took 1 to 2 KiB of stack,
/// 4 KiB in tagged and untagged enums, and 14 KiB in structs that are themselves 2 KiB large; a
/// thread has 2 MiB.
pub(super) const MAX_DEPTH: u32 = 128;

/// Gives the size in memory of the numbers that `tag` stands for, if it stands for numbers.
pub(super) fn number_size(tag: u8) -> Option<usize> {
    match tag {
        I8 | U8 => Some(1),
        I16 | U16 => Some(2),
        I32 | U32 | F32 => Some(4),
        I64 | U64 | F64 => Some(8),
        I128 | U128 => Some(16),
        _ => None,
    }
}

/// Names what `tag` stands for, for error messages.
pub(super) fn describe(tag: u8) -> &'static str {
    match tag {
        UNIT => "unit",
        FALSE | TRUE => "boolean",
        I8 | I16 | I32 | I64 | I128 | U8 | U16 | U32 | U64 | U128 => "integer",
        F32 | F64 => "floating point number",
        CHAR => "character",
        STR => "string",
        BYTES => "byte array",
        NONE | SOME => "option",
        SEQ | PACKED => "sequence",
        TUPLE => "tuple",
        MAP => "map",
        STRUCT => "struct",
        UNIT_VARIANT | VARIANT => "enum",
        _ => "an unknown tag",
    }
}

/// Builds the bytes of a tag and what has a fixed size behind it, so that they are written at once.
#[inline]
pub(super) fn frame<const N: usize>(tag: u8, payload: &[u8]) -> [u8; N] {
    let mut frame = [tag; N];
    frame[1..].copy_from_slice(payload);
    frame
}
