//! The header of a region: what it is, so that the wrong thing is an error and never a guess.
//!
//! | bytes | field | why |
//! |---|---|---|
//! | 0..8 | magic | a region at all, anonymous or named |
//! | 8..12 | layout version | this header, and the house's structures behind it |
//! | 12..16, 40..64 | kind: number and name | the name lets the error say what came instead |
//! | 16..24 | PID namespace | process numbers inside mean something only in there |
//! | 24..32 | fingerprint | the type of the contents |
//! | 32..40 | payload length | must agree with the file's size |
//!
//! Numbers are in the machine's byte order: a memfd does not leave the machine.

use std::fmt::{self, Write as _};

use super::RegionError;
use crate::sys;

/// The header's size; the payload begins behind it, on a cache line of its own.
pub(super) const HEADER: usize = 64;

/// Whether a region has a name. A named one is a file that cannot be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lifetime {
    Anonymous,
    Named,
}

const ANONYMOUS: u64 = u64::from_ne_bytes(*b"mp-regn\0");
const NAMED: u64 = u64::from_ne_bytes(*b"mp-name\0");
const LAYOUT: u32 = 1;

/// What a region holds: a number that is unique in the program, and a name for messages.
///
/// # Examples
///
/// ```
/// use mp_handle::Kind;
///
/// const LOCK: Kind = Kind::new(17, "lock");
/// assert_eq!(LOCK.to_string(), "lock");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Kind {
    number: u32,
    /// ASCII, filled up with zeros.
    name: [u8; Kind::NAME_MAX],
}

impl Kind {
    /// The longest name, in bytes.
    pub const NAME_MAX: usize = 24;

    /// Makes a kind; meant for constants.
    ///
    /// # Panics
    ///
    /// Panics if `name` is longer than [`NAME_MAX`](Self::NAME_MAX) bytes; in a constant this is
    /// an error of the compiler.
    #[must_use]
    pub const fn new(number: u32, name: &str) -> Kind {
        let text = name.as_bytes();
        assert!(text.len() <= Kind::NAME_MAX, "the name of a kind has at most 24 bytes");
        let mut name = [0; Kind::NAME_MAX];
        let mut at = 0;
        while at < text.len() {
            name[at] = text[at];
            at += 1;
        }
        Kind { number, name }
    }
}

impl fmt::Display for Kind {
    /// Writes the name. It may come from a peer's memory, so only printable characters are kept.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut letters = self.name.iter().filter(|byte| matches!(byte, b' '..=b'~')).peekable();
        if letters.peek().is_none() {
            return write!(f, "kind {}", self.number);
        }
        letters.try_for_each(|&letter| f.write_char(char::from(letter)))
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kind({}, \"{self}\")", self.number)
    }
}

/// A header in private memory.
#[derive(Clone, Copy)]
pub(super) struct Header {
    pub(super) kind: Kind,
    pub(super) len: usize,
    pub(super) lifetime: Lifetime,
    fingerprint: u64,
    pid_namespace: u64,
}

impl Header {
    pub(super) fn new(kind: Kind, fingerprint: u64, len: usize, lifetime: Lifetime) -> Header {
        Header { kind, len, lifetime, fingerprint, pid_namespace: sys::pid_namespace() }
    }

    pub(super) fn to_bytes(self) -> [u8; HEADER] {
        let magic = match self.lifetime {
            Lifetime::Anonymous => ANONYMOUS,
            Lifetime::Named => NAMED,
        };
        let mut bytes = [0; HEADER];
        bytes[0..8].copy_from_slice(&magic.to_ne_bytes());
        bytes[8..12].copy_from_slice(&LAYOUT.to_ne_bytes());
        bytes[12..16].copy_from_slice(&self.kind.number.to_ne_bytes());
        bytes[16..24].copy_from_slice(&self.pid_namespace.to_ne_bytes());
        bytes[24..32].copy_from_slice(&self.fingerprint.to_ne_bytes());
        bytes[32..40].copy_from_slice(&(self.len as u64).to_ne_bytes());
        bytes[40..64].copy_from_slice(&self.kind.name);
        bytes
    }

    /// Checks what every region must have, in a file of `size` bytes.
    pub(super) fn from_bytes(bytes: &[u8; HEADER], size: u64) -> Result<Header, RegionError> {
        let lifetime = match u64::from_ne_bytes(field(bytes, 0)) {
            ANONYMOUS => Lifetime::Anonymous,
            NAMED => Lifetime::Named,
            _ => return Err(RegionError::NoHeader),
        };
        let found = u32::from_ne_bytes(field(bytes, 8));
        if found != LAYOUT {
            return Err(RegionError::Layout { expected: LAYOUT, found });
        }
        let (expected, found) = (sys::pid_namespace(), u64::from_ne_bytes(field(bytes, 16)));
        if found != expected {
            return Err(RegionError::PidNamespace { expected, found });
        }
        let payload = u64::from_ne_bytes(field(bytes, 32));
        let len = usize::try_from(payload).ok();
        let Some(len) = len.filter(|_| payload.checked_add(HEADER as u64) == Some(size)) else {
            return Err(RegionError::Length { stated: payload, size });
        };
        let kind = Kind { number: u32::from_ne_bytes(field(bytes, 12)), name: field(bytes, 40) };
        let fingerprint = u64::from_ne_bytes(field(bytes, 24));
        Ok(Header { kind, len, lifetime, fingerprint, pid_namespace: found })
    }

    /// Checks what this user of the region relies on.
    pub(super) fn expect(&self, kind: Kind, fingerprint: u64) -> Result<(), RegionError> {
        if self.kind != kind {
            let (expected, found) = (kind, self.kind);
            return Err(RegionError::Kind { expected, found, layout: LAYOUT });
        }
        if self.fingerprint != fingerprint {
            let (expected, found) = (fingerprint, self.fingerprint);
            return Err(RegionError::Fingerprint { kind, expected, found });
        }
        Ok(())
    }
}

/// Copies the `N` bytes at `offset`, which the callers above know to lie in the header.
fn field<const N: usize>(bytes: &[u8; HEADER], offset: usize) -> [u8; N] {
    std::array::from_fn(|at| bytes[offset + at])
}
