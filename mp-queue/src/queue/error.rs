//! What putting and getting can end in.

use std::error::Error;
use std::fmt;
use std::io;

use mp_handle::{CodecError, RegionError};

use crate::store::{Corrupt, Refusal};

/// Why a value was not put; the value is in it, and the queue is as it was.
pub struct PutError<T> {
    /// What was not put.
    pub value: T,
    /// Why.
    pub reason: PutReason,
}

/// Why a value was not put.
#[derive(Debug)]
#[non_exhaustive]
pub enum PutReason {
    /// There was no room, for as long as the caller wanted to wait.
    Full,
    /// This handle was closed.
    Closed,
    /// All receivers are gone.
    Disconnected,
    /// The value's own `Serialize` failed, or it is nested too deep.
    Encode(CodecError),
    /// The memory for it is not to be had.
    NoMemory(RegionError),
    /// There are too many handles in it for one message, or this process or user has too many on
    /// their way.
    TooManyDescriptors(io::Error),
    /// This thread holds a loan of the queue's memory, and would wait for itself.
    Loaned,
    /// Somebody wrote garbage into the queue's memory.
    Corrupt(Corrupt),
    /// The system refused something else.
    Io(io::Error),
}

/// Why there is no value to get.
#[non_exhaustive]
pub enum GetError {
    /// There is none at present.
    Empty,
    /// None came in time.
    TimedOut,
    /// This handle was closed.
    Closed,
    /// All senders are gone, and what they sent was received.
    Disconnected,
    /// What was put is not what is to be got. That message is gone; the next one is not affected.
    Decode(CodecError),
    /// The memory for the message is not to be had; it stays in the queue.
    NoMemory(RegionError),
    /// This process has no room for the descriptors in the message, which stays in the queue.
    TooManyDescriptors(io::Error),
    /// This thread holds the next message in its place, and would wait for itself.
    Loaned,
    /// The next message has no place of its own in the queue's memory: get it in another way.
    Elsewhere,
    /// Somebody wrote garbage into the queue's memory.
    Corrupt(Corrupt),
    /// The system refused something else.
    Io(io::Error),
}

/// Why [`JoinableQueue::join`](crate::JoinableQueue::join) ended before all was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JoinError {
    /// Not all was done in time.
    TimedOut {
        /// The messages in the queue, or taken from it and not done.
        unfinished: u64,
    },
    /// A process died that had taken messages and had not done them. They count as done from now
    /// on, so that to join again waits for the others.
    ConsumerDied {
        /// The number of the process.
        process: u32,
        /// How many messages are lost.
        lost: u32,
    },
}

/// [`JoinableQueue::task_done`](crate::JoinableQueue::task_done) was called more often than there
/// were messages taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskDoneError;

impl<T> PutError<T> {
    #[cold]
    pub(crate) fn new(value: T, reason: impl Into<PutReason>) -> Self {
        PutError { value, reason: reason.into() }
    }

    /// Returns what was not put.
    pub fn into_inner(self) -> T {
        self.value
    }

    /// Tells whether there was no room, for as long as the caller wanted to wait.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self.reason, PutReason::Full)
    }

    /// Tells whether all receivers are gone.
    #[must_use]
    pub fn is_disconnected(&self) -> bool {
        matches!(self.reason, PutReason::Disconnected)
    }
}

impl From<Refusal> for PutReason {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::TimedOut => PutReason::Full,
            Refusal::Disconnected => PutReason::Disconnected,
            Refusal::NoMemory(error) => PutReason::NoMemory(error),
            Refusal::TooManyDescriptors(error) => PutReason::TooManyDescriptors(error),
            Refusal::Loaned => PutReason::Loaned,
            Refusal::Corrupt(corrupt) => PutReason::Corrupt(corrupt),
            Refusal::Io(error) => PutReason::Io(error),
        }
    }
}

impl From<CodecError> for PutReason {
    fn from(error: CodecError) -> Self {
        PutReason::Encode(error)
    }
}

impl GetError {
    /// Puts a refusal into words; `is_try` if the caller did not want to wait.
    #[cold]
    pub(crate) fn new(refusal: Refusal, is_try: bool) -> Self {
        match refusal {
            Refusal::TimedOut if is_try => GetError::Empty,
            Refusal::TimedOut => GetError::TimedOut,
            Refusal::Disconnected => GetError::Disconnected,
            Refusal::NoMemory(error) => GetError::NoMemory(error),
            Refusal::TooManyDescriptors(error) => GetError::TooManyDescriptors(error),
            Refusal::Loaned => GetError::Loaned,
            Refusal::Corrupt(corrupt) => GetError::Corrupt(corrupt),
            Refusal::Io(error) => GetError::Io(error),
        }
    }

    /// Tells whether there is nothing to get yet, but may be later.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, GetError::Empty | GetError::TimedOut)
    }

    /// Tells whether there will never be anything to get again.
    #[must_use]
    pub fn is_disconnected(&self) -> bool {
        matches!(self, GetError::Disconnected)
    }
}

impl fmt::Display for PutReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PutReason::Full => f.write_str("the queue is full"),
            PutReason::Closed => f.write_str("the queue was closed by this process"),
            PutReason::Disconnected => f.write_str("all receivers are gone"),
            PutReason::Encode(error) => write!(f, "the value cannot be encoded: {error}"),
            PutReason::NoMemory(error) => write!(f, "no memory for the message: {error}"),
            PutReason::TooManyDescriptors(error) => {
                write!(f, "too many handles for one message, or on their way: {error}")
            }
            PutReason::Loaned => f.write_str("this thread holds a loan of the queue's memory"),
            PutReason::Corrupt(corrupt) => corrupt.fmt(f),
            PutReason::Io(error) => write!(f, "the system refused the message: {error}"),
        }
    }
}

impl fmt::Display for GetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GetError::Empty => f.write_str("the queue is empty"),
            GetError::TimedOut => f.write_str("nothing came in time"),
            GetError::Closed => f.write_str("the queue was closed by this process"),
            GetError::Disconnected => f.write_str("all senders are gone"),
            GetError::Decode(error) => write!(f, "the message cannot be decoded: {error}"),
            GetError::NoMemory(error) => write!(f, "no memory for the message: {error}"),
            GetError::TooManyDescriptors(error) => {
                write!(f, "no room for the handles in the message: {error}")
            }
            GetError::Loaned => f.write_str("this thread holds the next message in its place"),
            GetError::Elsewhere => f.write_str("the next message has no place of its own"),
            GetError::Corrupt(corrupt) => corrupt.fmt(f),
            GetError::Io(error) => write!(f, "the system refused the message: {error}"),
        }
    }
}

/// The sentence of its `Display`: what `unwrap` and a `main` that returns it show.
impl fmt::Debug for GetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for GetError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            GetError::Decode(error) => Some(error),
            GetError::NoMemory(error) => Some(error),
            GetError::TooManyDescriptors(error) | GetError::Io(error) => Some(error),
            GetError::Corrupt(corrupt) => Some(corrupt),
            _ => None,
        }
    }
}

impl Error for PutReason {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            PutReason::Encode(error) => Some(error),
            PutReason::NoMemory(error) => Some(error),
            PutReason::TooManyDescriptors(error) | PutReason::Io(error) => Some(error),
            PutReason::Corrupt(corrupt) => Some(corrupt),
            _ => None,
        }
    }
}

impl<T> fmt::Display for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

/// The sentence of its `Display`: what `unwrap` and a `main` that returns it show.
impl<T> fmt::Debug for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<T> Error for PutError<T> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.reason.source()
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JoinError::TimedOut { unfinished } => {
                write!(f, "{unfinished} messages were not done in time")
            }
            JoinError::ConsumerDied { process, lost } => {
                write!(f, "process {process} died with {lost} messages that it had not done")
            }
        }
    }
}

impl Error for JoinError {}

impl fmt::Display for TaskDoneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("task_done was called more often than messages were taken")
    }
}

impl Error for TaskDoneError {}
