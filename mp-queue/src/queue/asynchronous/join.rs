//! To wait until all is done, from asynchronous code.

use std::future::poll_fn;

use super::waiting::poll_until;
use crate::queue::{JoinError, JoinableQueue};

impl<T> JoinableQueue<T> {
    /// Waits until all messages are done, letting other tasks run meanwhile.
    ///
    /// # Errors
    ///
    /// Those of [`join`](Self::join).
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
    /// let tasks = mp_queue::JoinableQueue::new()?;
    /// tasks.put_async("wash".to_string()).await?;
    /// let work = async {
    ///     tasks.get_async().await.map(drop)?;
    ///     tasks.task_done()?;
    ///     Ok::<(), Box<dyn std::error::Error>>(())
    /// };
    /// let (joined, worked) = tokio::join!(tasks.join_async(), work);
    /// worked?;
    /// joined?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn join_async(&self) -> Result<(), JoinError> {
        let end = &self.core.end;
        let mut waiting = None;
        let join_now = || {
            Some(self.try_join())
                .filter(|joined| !matches!(joined, Err(JoinError::TimedOut { .. })))
        };
        let attempt = || {
            join_now().or_else(|| {
                end.arm_for_done();
                join_now()
            })
        };
        poll_fn(|cx| poll_until(&mut waiting, end.producers_fd(), cx, attempt)).await
    }
}
