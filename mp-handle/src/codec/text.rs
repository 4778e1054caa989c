//! Text on its way in: the check that it is UTF-8.

use super::bulk;
use super::error::CodecError;

/// Up to here the check of the standard library is the faster one.
const TINY: usize = 64;

/// Up to here text is looked at for ASCII first, which takes less than the call for UTF-8.
const SHORT: usize = 512;

/// How much text is checked before it is copied.
const PIECE: usize = 8 << 10;

/// Copies text.
#[inline]
pub(super) fn to_string(bytes: &[u8]) -> Result<String, CodecError> {
    match check_short(bytes) {
        Some(text) => Ok(String::from(text)),
        None => copy(bytes),
    }
}

/// Copies text, checking each piece just before: it is then in the cache when it is copied.
#[inline(never)]
fn copy(mut bytes: &[u8]) -> Result<String, CodecError> {
    let mut text = String::with_capacity(bytes.len());
    while bytes.len() > PIECE {
        // A character has up to three bytes that continue it: the piece ends before its first.
        let is_start = |at: &usize| bytes[*at] & 0b1100_0000 != 0b1000_0000;
        let end = (PIECE - 3..=PIECE).rev().find(is_start).unwrap_or(PIECE);
        text.push_str(check_long(&bytes[..end])?);
        bytes = &bytes[end..];
    }
    text.push_str(check_long(bytes)?);
    Ok(text)
}

/// Gives the text that `bytes` are.
#[inline]
pub(super) fn check(bytes: &[u8]) -> Result<&str, CodecError> {
    check_short(bytes).map_or_else(|| check_long(bytes), Ok)
}

/// Gives short text, if it is text that a short look recognizes.
#[inline]
fn check_short(bytes: &[u8]) -> Option<&str> {
    if bytes.len() > SHORT {
        return None;
    }
    let ascii = bulk::ascii(bytes);
    if bytes.len() > TINY { ascii } else { ascii.or_else(|| str::from_utf8(bytes).ok()) }
}

/// Checks text with vector instructions, if the processor has them.
#[inline(never)]
fn check_long(bytes: &[u8]) -> Result<&str, CodecError> {
    simdutf8::basic::from_utf8(bytes).map_err(|_| CodecError::malformed("a string is not UTF-8"))
}
