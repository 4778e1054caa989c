//! The regular expressions of the C library: in wide use, and defenceless. One may take for ever, take
//! all memory, or overflow the stack of whoever compiles it.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::mem::MaybeUninit;
use std::ptr;

use libc::{REG_EXTENDED, REG_NOSUB, regcomp, regerror, regex_t, regexec, regfree};

/// A compiled regular expression.
pub(crate) struct Regex(regex_t);

impl Regex {
    /// Compiles a pattern, or says what is wrong with it.
    pub(crate) fn new(pattern: &str) -> Result<Self, String> {
        let pattern = CString::new(pattern).map_err(|_| "a pattern has no NUL byte")?;
        let mut regex = MaybeUninit::<regex_t>::uninit();
        // SAFETY: the place is large enough, the pattern is terminated, and both live long enough.
        let status =
            unsafe { regcomp(regex.as_mut_ptr(), pattern.as_ptr(), REG_EXTENDED | REG_NOSUB) };
        match status {
            // SAFETY: a status of 0 says that the place has been filled.
            0 => Ok(Self(unsafe { regex.assume_init() })),
            code => Err(message_of(code)),
        }
    }

    /// Whether some part of the text matches.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        let Ok(text) = CString::new(text) else { return false };
        // SAFETY: the expression has been compiled, the text is terminated, and no places of
        // matches are asked for.
        unsafe { regexec(&self.0, text.as_ptr(), 0, ptr::null_mut(), 0) == 0 }
    }
}

impl Drop for Regex {
    fn drop(&mut self) {
        // SAFETY: the expression has been compiled, and nobody uses it any more.
        unsafe { regfree(&mut self.0) };
    }
}

fn message_of(code: i32) -> String {
    let mut text = vec![0_u8; 128];
    // SAFETY: at most so many bytes are written as there are, the last of them zero. The
    // expression may be missing.
    unsafe { regerror(code, ptr::null(), text.as_mut_ptr().cast(), text.len()) };
    let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
    String::from_utf8_lossy(&text[..end]).into_owned()
}
