//! Text on its way in: the check that it is UTF-8.

use super::bulk;
use super::error::CodecError;

/// How much text is checked before it is copied.
const PIECE: usize = 8 << 10;

/// Copies text.
#[inline]
pub(super) fn to_string(bytes: &[u8]) -> Result<String, CodecError> {
    if bytes.len() <= PIECE {
        return check(bytes).map(String::from);
    }
    long_string(bytes)
}

/// Copies text, checking each piece just before: it is then in the cache when it is copied.
fn long_string(mut bytes: &[u8]) -> Result<String, CodecError> {
    let mut text = String::with_capacity(bytes.len());
    while bytes.len() > PIECE {
        // A character has up to three bytes that continue it: the piece ends before its first.
        let is_start = |at: &usize| bytes[*at] & 0b1100_0000 != 0b1000_0000;
        let end = (PIECE - 3..=PIECE).rev().find(is_start).unwrap_or(PIECE);
        text.push_str(check(&bytes[..end])?);
        bytes = &bytes[end..];
    }
    text.push_str(check(bytes)?);
    Ok(text)
}

/// Gives the text that `bytes` are.
#[inline]
pub(super) fn check(bytes: &[u8]) -> Result<&str, CodecError> {
    bulk::ascii(bytes)
        .or_else(|| str::from_utf8(bytes).ok())
        .ok_or_else(|| CodecError::malformed("a string is not UTF-8"))
}
