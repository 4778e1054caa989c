//! Ways for messages between two processes, each behind the same [`Line`].
//!
//! All messages of a line have the same length. The sender copies them from its memory into
//! whatever the line has; the receiver copies them out only where the line's own way demands it.

mod bare;
mod iceoryx;
mod interprocess;
mod ipc_channel;
mod ours;
mod ring;

use std::hint;
use std::time::Instant;

use anyhow::{Result, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use self::bare::{Futex, Pipe, Socket};
pub(crate) use self::iceoryx::{Iceoryx, IceoryxEvent};
pub(crate) use self::interprocess::LocalSocket;
pub(crate) use self::ipc_channel::{IpcBytes, IpcTyped};
pub(crate) use self::ours::{OurPipe, QueueBytes, QueueInPlace, QueueTyped};
pub(crate) use self::ring::{Ring, SpinRing};
use super::PATIENCE;

/// One end of a connection, for messages in both directions.
pub(crate) trait Line: Sized + 'static {
    /// What the other process needs to join.
    type Invitation: Serialize + DeserializeOwned + 'static;
    /// An end whose other end nobody has yet.
    type Host;

    /// Makes a line for messages of `len` bytes.
    fn host(len: usize) -> Result<(Self::Host, Self::Invitation)>;

    /// Waits for the other process to join.
    fn open(host: Self::Host) -> Result<Self>;

    /// Joins as the other process.
    fn join(invitation: Self::Invitation, len: usize) -> Result<Self>;

    fn send(&mut self, message: &[u8]) -> Result<()>;

    /// Waits for a message.
    fn receive(&mut self) -> Result<()>;
}

/// Looks again and again, without ever sleeping.
fn spin<T>(mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    // The clock is read only by those who have looked for long.
    let mut begin = None;
    loop {
        for _ in 0..10_000 {
            if let Some(found) = look()? {
                return Ok(found);
            }
            hint::spin_loop();
        }
        if begin.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
            bail!("hangs: not done after {PATIENCE:?}");
        }
    }
}
