//! How far a call is, told as its items end.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::job::OnItem;
use crate::task::Task;

/// How far a call is: see [`Task::progress`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Items that have ended, well or not.
    pub done: usize,
    /// Those of them that gave no result.
    pub failed: usize,
    /// How many there are, if that is known.
    pub total: Option<usize>,
}

impl Progress {
    /// Whether all items have ended.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.total == Some(self.done)
    }
}

/// Called as items end.
pub(crate) type OnProgress = Box<dyn Fn(Progress) + Send + Sync>;

/// Has `on_progress` called after `on_item`, for each of the items, which are `total` if that is
/// known. (Both are called by one thread, so the counts are told in order.)
pub(crate) fn count(
    on_progress: OnProgress,
    total: Option<usize>,
    on_item: Option<OnItem>,
) -> OnItem {
    let (done, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let next = |count: &AtomicUsize, by: bool| {
        let by = usize::from(by);
        count.fetch_add(by, Ordering::Relaxed) + by
    };
    Box::new(move |place, answer| {
        if let Some(on_item) = &on_item {
            on_item(place, answer);
        }
        let (done, failed) = (next(&done, true), next(&failed, answer.is_failure()));
        on_progress(Progress { done, failed, total });
    })
}

impl<F, M> Task<'_, F, M> {
    /// Has `callback` called as items end, with how many have, on a thread of the pool that does
    /// nothing else. The last calls may come after the results; [`Pool::join`](crate::Pool::join)
    /// waits for them.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    ///
    /// mp_process::init();
    /// let pool = mp_pool::Pool::new(2)?;
    /// let (sender, receiver) = mpsc::channel();
    /// let task = pool.task(|n: u32| n * n).progress(move |progress| {
    ///     sender.send((progress.done, progress.total)).unwrap();
    /// });
    /// task.map(0..3)?;
    /// let told: Vec<_> = receiver.iter().collect();
    /// assert_eq!(told, [(1, Some(3)), (2, Some(3)), (3, Some(3))]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn progress(mut self, callback: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.on_progress = Some(Box::new(callback));
        self
    }

    /// Has `bar` show how far the call is. It is finished with the last item, a moment after the
    /// results perhaps.
    ///
    /// # Examples
    ///
    /// ```
    /// use indicatif::{ProgressBar, ProgressDrawTarget};
    ///
    /// mp_process::init();
    /// let pool = mp_pool::Pool::new(2)?;
    /// let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    /// pool.task(|n: u32| n * n).progress_bar(bar.clone()).map(0..30)?;
    /// pool.close();
    /// pool.join()?;
    /// assert_eq!((bar.position(), bar.length(), bar.is_finished()), (30, Some(30), true));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "indicatif")]
    pub fn progress_bar(self, bar: indicatif::ProgressBar) -> Self {
        self.progress(move |progress| {
            if let Some(total) = progress.total {
                bar.set_length(total as u64);
            }
            bar.set_position(progress.done as u64);
            if progress.failed > 0 {
                bar.set_message(format!("{} failed", progress.failed));
            }
            if progress.is_complete() {
                bar.finish();
            }
        })
    }

    /// What is to be called for each of the items, which are `total` if that is known.
    pub(crate) fn take_listener(&mut self, total: Option<usize>) -> Option<OnItem> {
        let on_item = self.on_item.take();
        match self.on_progress.take() {
            Some(on_progress) => Some(count(on_progress, total, on_item)),
            None => on_item,
        }
    }
}
