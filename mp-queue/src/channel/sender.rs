//! The side of a channel that sends.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::queue::{Core, PutError, Wait};
use crate::store::{End, Side};

/// The side of a [`channel`](crate::channel()) that sends; any number of clones may.
pub struct Sender<T> {
    pub(crate) core: Core<T>,
}

impl<T> From<End> for Sender<T> {
    fn from(end: End) -> Self {
        Sender { core: end.into() }
    }
}

impl<T: Serialize + 'static> Sender<T> {
    /// Sends a value, waiting for room as long as it takes.
    ///
    /// # Errors
    ///
    /// The value, and [why](crate::PutReason) it was not sent: [`Disconnected`] if all receivers
    /// are gone. Of receivers that were killed this is known within a few milliseconds.
    ///
    /// [`Disconnected`]: crate::PutReason::Disconnected
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = mp_queue::channel()?;
    /// sender.send(1)?;
    /// drop(receiver);
    /// let error = sender.send(2).unwrap_err();
    /// assert!(error.is_disconnected());
    /// assert_eq!(error.into_inner(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn send(&self, value: T) -> Result<(), PutError<T>> {
        self.core.put(value, Wait::Forever)
    }

    /// Sends a value if there is room.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send), and [`PutReason::Full`](crate::PutReason::Full).
    #[inline]
    pub fn try_send(&self, value: T) -> Result<(), PutError<T>> {
        self.core.put(value, Wait::Never)
    }

    /// Sends a value, waiting up to `timeout` for room.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send), and [`PutReason::Full`](crate::PutReason::Full) when the time
    /// is over.
    #[inline]
    pub fn send_timeout(&self, value: T, timeout: Duration) -> Result<(), PutError<T>> {
        self.core.put(value, Wait::For(timeout))
    }

    /// Sends several values, in order, waiting for room as long as it takes. Others may send theirs
    /// between them.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send) for the first value that was not sent, with it and those
    /// behind it.
    pub fn send_many(&self, values: Vec<T>) -> Result<(), PutError<Vec<T>>> {
        self.core.put_many(values, Wait::Forever)
    }
}

impl<T> Sender<T> {
    /// Returns the number of messages that wait to be received, exactly.
    #[must_use]
    pub fn len(&self) -> usize {
        self.core.end.store.len()
    }

    /// Tells whether no message waits to be received, exactly.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.core.end.store.is_empty()
    }

    /// Tells whether the limit leaves no room for a message, exactly.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.core.end.store.is_full()
    }

    /// Tells whether all receivers are gone.
    #[must_use]
    pub fn is_disconnected(&self) -> bool {
        self.core.end.has_hung_up()
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Sender { core: self.core.clone() }
    }
}

impl<T> Serialize for Sender<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.core.end.serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for Sender<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(End::deserialize(deserializer, Side::Put, false)?.into())
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("len", &self.len()).finish_non_exhaustive()
    }
}
