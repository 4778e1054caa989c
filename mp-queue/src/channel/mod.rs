//! [`channel`]: a queue whose two sides know of each other's end.

mod receiver;
mod sender;

use mp_handle::RegionError;

pub use receiver::{IntoIter, Iter, Receiver, TryIter};
pub use sender::Sender;

use crate::store::{End, Settings};

/// Creates a channel without limits: senders put into it, receivers get from it.
///
/// Both can be cloned and can travel to other processes. When the last sender is gone, and all that
/// was sent is received, to receive is an error instead of a wait; likewise to send when the last
/// receiver is gone. It does not matter how they went: a process that is killed takes its handles
/// with it. A handle on its way in a message is not gone.
///
/// # Errors
///
/// Fails if the system refuses three descriptors or a page of shared memory.
///
/// # Examples
///
/// ```
/// use mp_process::spawn;
/// use mp_queue::{Receiver, channel};
///
/// fn sum(numbers: Receiver<u64>) -> u64 {
///     numbers.iter().sum()
/// }
///
/// mp_process::init();
/// let (sender, receiver) = channel()?;
/// let child = spawn(sum, (receiver,))?;
/// (1..=100).try_for_each(|number| sender.send(number))?;
/// drop(sender);
/// assert_eq!(child.join()?, 5050);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn channel<T>() -> Result<(Sender<T>, Receiver<T>), RegionError> {
    create(Settings::default())
}

/// Creates a channel of at most `messages` messages at a time, at least one: who sends more waits.
///
/// # Errors
///
/// Those of [`channel`].
///
/// # Examples
///
/// ```
/// let (sender, receiver) = mp_queue::sync_channel(1)?;
/// sender.send(1)?;
/// assert!(sender.try_send(2).unwrap_err().is_full());
/// assert_eq!(receiver.recv()?, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn sync_channel<T>(messages: usize) -> Result<(Sender<T>, Receiver<T>), RegionError> {
    create(Settings::default().with_messages(messages))
}

fn create<T>(settings: Settings) -> Result<(Sender<T>, Receiver<T>), RegionError> {
    let (put, get) = End::create_pair(settings)?;
    Ok((Sender::from(put), Receiver::from(get)))
}
