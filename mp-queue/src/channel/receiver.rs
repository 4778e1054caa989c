//! The side of a channel that receives.

use std::fmt;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::queue::{Batch, Core, GetError, Wait};
use crate::store::{End, Side};

/// The side of a [`channel`](crate::channel()) that receives; any number of clones may, and each
/// message goes to one of them.
pub struct Receiver<T> {
    pub(crate) core: Core<T>,
}

impl<T> From<End> for Receiver<T> {
    fn from(end: End) -> Self {
        Receiver { core: end.into() }
    }
}

impl<T: DeserializeOwned + 'static> Receiver<T> {
    /// Receives the next value, waiting for it as long as it takes.
    ///
    /// # Errors
    ///
    /// [`GetError::Disconnected`] if all senders are gone and nothing is left of what they sent,
    /// and [others](GetError) for want of something, or if what was sent is not what it should be.
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_queue::{GetError, channel};
    ///
    /// let (sender, receiver) = channel()?;
    /// sender.send("last".to_string())?;
    /// drop(sender);
    /// assert_eq!(receiver.recv()?, "last");
    /// assert!(matches!(receiver.recv(), Err(GetError::Disconnected)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn recv(&self) -> Result<T, GetError> {
        self.core.get(Wait::Forever)
    }

    /// Receives the next value if there is one.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](Self::recv), and [`GetError::Empty`].
    #[inline]
    pub fn try_recv(&self) -> Result<T, GetError> {
        self.core.get(Wait::Never)
    }

    /// Receives the next value, waiting up to `timeout` for it.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](Self::recv), and [`GetError::TimedOut`].
    #[inline]
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, GetError> {
        self.core.get(Wait::For(timeout))
    }

    /// Waits for a value as long as it takes, and receives all that are there, up to `max` and to
    /// about a mebibyte.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](Self::recv) for the first; what is wrong with the others is told when they
    /// are got.
    pub fn recv_many(&self, max: usize) -> Result<Batch<T>, GetError> {
        self.core.get_many(max, Wait::Forever)
    }

    /// Iterates over the values, waiting for each, until all senders are gone.
    ///
    /// A message that cannot be received ends it too; [`recv`](Self::recv) tells why.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { receiver: self }
    }

    /// Iterates over the values that are there, without waiting.
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter { receiver: self }
    }
}

impl<T> Receiver<T> {
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
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        Receiver { core: self.core.clone() }
    }
}

impl<T> Serialize for Receiver<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.core.end.serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for Receiver<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(End::deserialize(deserializer, Side::Get, false)?.into())
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// Iterates over what is received, until all senders are gone; made by [`Receiver::iter`].
#[derive(Debug)]
pub struct Iter<'a, T> {
    receiver: &'a Receiver<T>,
}

/// Iterates over what is there to be received; made by [`Receiver::try_iter`].
#[derive(Debug)]
pub struct TryIter<'a, T> {
    receiver: &'a Receiver<T>,
}

/// Iterates over what is received, until all senders are gone; a [`Receiver`] becomes one.
#[derive(Debug)]
pub struct IntoIter<T> {
    receiver: Receiver<T>,
}

impl<T: DeserializeOwned + 'static> Iterator for Iter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.receiver.recv().ok()
    }
}

impl<T: DeserializeOwned + 'static> Iterator for TryIter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.receiver.try_recv().ok()
    }
}

impl<T: DeserializeOwned + 'static> Iterator for IntoIter<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.receiver.recv().ok()
    }
}

impl<'a, T: DeserializeOwned + 'static> IntoIterator for &'a Receiver<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T: DeserializeOwned + 'static> IntoIterator for Receiver<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter { receiver: self }
    }
}
