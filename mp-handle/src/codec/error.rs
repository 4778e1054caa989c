//! Why a value could not be encoded or decoded: one opaque error with a message.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Expected, Unexpected};

use super::format::MAX_DEPTH;

/// A longer string is named in an error message, not quoted.
const QUOTED: usize = 64;

/// Says why a value could not be turned into bytes, or bytes into a value.
///
/// The cause is one of: an error that the value's own `Serialize` or `Deserialize` gave (its
/// message is kept), a value nested too deep, bytes of another type than the one asked for, or
/// bytes that are damaged.
///
/// # Examples
///
/// ```
/// use mp_handle::CodecError;
/// use serde::ser::Error;
///
/// let error = CodecError::custom("a socket cannot travel");
/// assert_eq!(error.to_string(), "a socket cannot travel");
/// ```
pub struct CodecError {
    /// Boxed, so that a `Result` of a small value stays small.
    message: Box<Cow<'static, str>>,
}

impl CodecError {
    /// Tells that the bytes are not what `encode` writes.
    #[cold]
    pub(super) fn malformed(message: &'static str) -> Self {
        Self { message: Box::new(Cow::Borrowed(message)) }
    }

    /// Tells that the bytes end before the value does.
    #[cold]
    pub(super) fn truncated() -> Self {
        Self::malformed("the encoded value is truncated")
    }

    /// Tells that a value is nested deeper than the stack allows.
    #[cold]
    pub(super) fn too_deep() -> Self {
        Self::text(format!("the value is nested more than {MAX_DEPTH} levels deep"))
    }

    /// Tells that the value at hand is not of the type that was asked for.
    #[cold]
    pub(super) fn mismatch(found: &str, expected: &dyn Expected) -> Self {
        Self::text(format!("expected {expected}, found {found}"))
    }

    #[cold]
    pub(super) fn text(message: String) -> Self {
        Self { message: Box::new(Cow::Owned(message)) }
    }
}

impl serde::ser::Error for CodecError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::text(message.to_string())
    }
}

impl serde::de::Error for CodecError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::text(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        match found {
            Unexpected::Str(text) if text.len() > QUOTED => Self::mismatch("string", expected),
            _ => Self::mismatch(&found.to_string(), expected),
        }
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CodecError").field(&self.message).finish()
    }
}

impl std::error::Error for CodecError {}
