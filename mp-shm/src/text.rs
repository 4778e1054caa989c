//! [`Text`]: a string of bounded length, as plain data.

use std::error::Error;
use std::fmt;
use std::str;

use bytemuck::{Pod, Zeroable};

use crate::data::{Data, fingerprint, fingerprint_of};

/// A string of up to `N` bytes that can lie in shared memory, also as a field.
///
/// It ends before its first NUL byte. Bytes that are no UTF-8, which only a peer gone mad can
/// leave there, end it too.
///
/// # Examples
///
/// ```
/// use mp_shm::{Text, Value};
///
/// let status: Value<Text<16>> = Value::new("starting".parse()?)?;
/// status.set("läuft".parse()?)?;
/// assert_eq!(status.get()?.as_str(), "läuft");
/// assert!("longer than sixteen".parse::<Text<16>>().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
#[repr(transparent)]
#[doc(alias = "SynchronizedString")]
pub struct Text<const N: usize> {
    bytes: [u8; N],
}

#[allow(unsafe_code)]
// SAFETY: transparent over bytes, of which all are valid, zeros too.
unsafe impl<const N: usize> Zeroable for Text<N> {}
#[allow(unsafe_code)]
// SAFETY: as above; bytes have no padding.
unsafe impl<const N: usize> Pod for Text<N> {}

impl<const N: usize> Data for Text<N> {
    const FINGERPRINT: u64 = fingerprint(b"text", fingerprint_of(N as u64, 0));
}

impl<const N: usize> Text<N> {
    /// Returns the string.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let end = self.bytes.iter().position(|&byte| byte == 0).unwrap_or(N);
        self.bytes[..end].utf8_chunks().next().map_or("", |chunk| chunk.valid())
    }
}

impl<const N: usize> str::FromStr for Text<N> {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        if text.len() > N {
            return Err(TextError::TooLong { len: text.len(), max: N });
        }
        if text.contains('\0') {
            return Err(TextError::Nul);
        }
        let mut bytes = [0; N];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Ok(Text { bytes })
    }
}

impl<const N: usize> PartialEq for Text<N> {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl<const N: usize> Eq for Text<N> {}

impl<const N: usize> Default for Text<N> {
    fn default() -> Self {
        Text { bytes: [0; N] }
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// Why a string is no [`Text`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TextError {
    /// It has more bytes than fit.
    TooLong {
        /// The bytes it has.
        len: usize,
        /// The bytes that fit.
        max: usize,
    },
    /// It has a NUL byte, which would end it.
    Nul,
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TextError::TooLong { len, max } => write!(f, "{len} bytes of text where {max} fit"),
            TextError::Nul => f.write_str("text with a NUL byte, which would end it"),
        }
    }
}

impl Error for TextError {}
