//! Taking a drained batch apart.

use std::iter::FusedIterator;

use super::{Corrupt, FRAME_HEADER, RingError};

/// The frames in the bytes that [`Consumer::drain`](super::Consumer::drain) copied out.
///
/// Yields an error, and then nothing more, where the bytes are not a whole frame.
///
/// # Examples
///
/// ```
/// use mp_handle::Frames;
///
/// let mut bytes = Vec::new();
/// for frame in ["one", "", "three"] {
///     bytes.extend((frame.len() as u32).to_ne_bytes());
///     bytes.extend(frame.as_bytes());
/// }
/// let frames: Result<Vec<&[u8]>, _> = Frames::new(&bytes).collect();
/// assert_eq!(frames?, [&b"one"[..], b"", b"three"]);
/// assert!(Frames::new(&bytes[1..]).last().is_some_and(|frame| frame.is_err()));
/// # Ok::<(), mp_handle::RingError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "frames that are not looked at are lost"]
pub struct Frames<'a> {
    rest: &'a [u8],
}

impl<'a> Frames<'a> {
    /// Begins with the first frame.
    pub fn new(bytes: &'a [u8]) -> Self {
        Frames { rest: bytes }
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<&'a [u8], RingError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let published = self.rest.len() as u64;
        let rest = std::mem::take(&mut self.rest);
        let Some((header, rest)) = rest.split_first_chunk::<FRAME_HEADER>() else {
            let claimed = FRAME_HEADER as u64;
            return Some(Err(Corrupt::Frame { claimed, published }.into()));
        };
        let len = u32::from_ne_bytes(*header);
        let Some((frame, rest)) = rest.split_at_checked(len as usize) else {
            let claimed = FRAME_HEADER as u64 + u64::from(len);
            return Some(Err(Corrupt::Frame { claimed, published }.into()));
        };
        self.rest = rest;
        Some(Ok(frame))
    }
}

impl FusedIterator for Frames<'_> {}
