//! Families of processes that trust each other with functions, on whatever machines they are.

use std::sync::OnceLock;
use std::{error, fmt};

use crate::build_id::BuildId;

static SECRET: OnceLock<u128> = OnceLock::new();

/// Makes friends with all processes of the same build that do so with the same secret, on whatever
/// machine they are: functions ([`Func`](crate::Func)) may travel between them.
///
/// It holds for this process, and for the children that it starts from now on. Whoever knows the
/// secret can have any function of the program called: it has to come from a source of random
/// numbers, or be a digest of what nobody can guess.
///
/// # Errors
///
/// This process has other friends already.
///
/// # Examples
///
/// ```
/// mp_process::init();
/// mp_process::befriend(0x5eed)?;
/// mp_process::befriend(0x5eed)?;
/// assert!(mp_process::befriend(0xbad).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn befriend(secret: u128) -> Result<(), OtherFriends> {
    if *SECRET.get_or_init(|| secret) == secret { Ok(()) } else { Err(OtherFriends) }
}

/// This process has friends already, with whom it shares another secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OtherFriends;

impl fmt::Display for OtherFriends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this process shares another secret with its friends already: use one for all")
    }
}

impl error::Error for OtherFriends {}

/// Takes over the secret of the parent.
pub(crate) fn inherit(secret: Option<u128>) {
    if let Some(secret) = secret {
        SECRET.get_or_init(|| secret);
    }
}

pub(crate) fn secret() -> Option<u128> {
    SECRET.get().copied()
}

/// The secret, and the only build that it counts for.
pub(crate) fn secret_of_build() -> Option<(u128, &'static BuildId)> {
    Some((secret()?, BuildId::current().ok()?))
}
