//! To get, from asynchronous code.

use std::future::poll_fn;
use std::os::fd::AsFd;
use std::task::{Context, Poll};

use serde::de::DeserializeOwned;

use super::Waiting;
use super::waiting::poll_until;
use crate::channel::Receiver;
use crate::queue::{Core, GetError, Queue, Wait};

impl<T: DeserializeOwned + 'static> Core<T> {
    /// Gets the next value, or waits for it by `waiting`.
    pub(super) fn poll_get(
        &self,
        waiting: &mut Option<Waiting>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<T, GetError>> {
        let attempt = || {
            let got = self.get_now();
            // Who has armed looks once more: a message may have come before.
            if got.is_none() && self.end.arm() { self.get_now() } else { got }
        };
        poll_until(waiting, self.end.as_fd(), cx, attempt)
    }

    /// Gets the next value, or the error; `None` if there is nothing now.
    fn get_now(&self) -> Option<Result<T, GetError>> {
        Some(self.get(Wait::Never)).filter(|got| !matches!(got, Err(GetError::Empty)))
    }

    async fn get_async(&self) -> Result<T, GetError> {
        let mut waiting = None;
        poll_fn(|cx| self.poll_get(&mut waiting, cx)).await
    }
}

impl<T: DeserializeOwned + 'static> Queue<T> {
    /// Gets the next value, letting other tasks run until there is one.
    ///
    /// A future that is dropped before its end has taken nothing. For a time limit, see
    /// `tokio::time::timeout`.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get).
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime, or in one without I/O or time, if it has to wait.
    ///
    /// # Examples
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    /// # runtime.block_on(async {
    /// let queue = mp_queue::Queue::bounded(1)?;
    /// let put_two = async {
    ///     queue.put_async(1).await?;
    ///     queue.put_async(2).await
    /// };
    /// let get_two = async { Ok((queue.get_async().await?, queue.get_async().await?)) };
    /// let (put, got): (_, Result<_, mp_queue::GetError>) = tokio::join!(put_two, get_two);
    /// put?;
    /// assert_eq!(got?, (1, 2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn get_async(&self) -> Result<T, GetError> {
        self.core.get_async().await
    }
}

impl<T: DeserializeOwned + 'static> Receiver<T> {
    /// Receives the next value, letting other tasks run until there is one.
    ///
    /// A future that is dropped before its end has taken nothing. For a time limit, see
    /// `tokio::time::timeout`.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](Self::recv).
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime, or in one without I/O or time, if it has to wait.
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_process::spawn;
    /// use mp_queue::{GetError, Sender, channel};
    ///
    /// fn count(numbers: Sender<u32>) {
    ///     (0..3).for_each(|n| numbers.send(n).unwrap());
    /// }
    ///
    /// mp_process::init();
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    /// # runtime.block_on(async {
    /// let (sender, receiver) = channel()?;
    /// let child = spawn(count, (sender,))?;
    /// for n in 0..3 {
    ///     assert_eq!(receiver.recv_async().await?, n);
    /// }
    /// assert!(matches!(receiver.recv_async().await, Err(GetError::Disconnected)));
    /// # child.join()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn recv_async(&self) -> Result<T, GetError> {
        self.core.get_async().await
    }
}
