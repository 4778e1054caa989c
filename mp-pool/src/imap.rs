//! Results that are taken one by one, of items that are drawn one by one.

use std::fmt;
use std::iter::FusedIterator;
use std::sync::Arc;
use std::time::Duration;

use mp_handle::Deadline;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::NotReady;
use crate::flight::Flight;
use crate::job::OnItem;
use crate::task::Feed;
use crate::task_error::TaskError;

/// The results of [`imap`](crate::Pool::imap) and its kin, as an iterator.
///
/// It is lazy at both ends. Items are drawn only while results are taken, by the thread that takes
/// them, and no more than the [buffer](crate::Task::buffer) holds are drawn and not taken: an
/// iterator without end is worked through in constant memory. Dropping this gives up the rest.
///
/// The results of [`try_imap`](crate::Task::try_imap) go on behind a failure; those of
/// [`imap`](crate::Task::imap) end with it.
///
/// # Examples
///
/// ```
/// mp_process::init();
/// let pool = mp_pool::Pool::new(2)?;
/// let squares = pool.imap(|n: u64| n * n, 1..);
/// let first: Result<Vec<u64>, _> = squares.take(3).collect();
/// assert_eq!(first?, [1, 4, 9]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "IMapIterator")]
#[must_use = "nothing is drawn, and nothing runs, before results are taken"]
pub struct Imap<I, R> {
    feed: Feed,
    flight: Flight<R>,
    /// `None` when there are no more.
    items: Option<I>,
    /// How many were drawn.
    drawn: usize,
    limits: Limits,
    /// A failure is the end.
    stops: bool,
    on_item: Option<Arc<OnItem>>,
}

/// How much is drawn.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// The items of a chunk.
    pub(crate) chunk: usize,
    /// The items that were drawn, and whose results were not taken.
    pub(crate) buffer: usize,
}

impl Limits {
    pub(crate) fn new(chunk: Option<usize>, buffer: Option<usize>, feed: &Feed) -> Self {
        let most = feed.executor.max_chunk();
        let chunk = chunk.unwrap_or(1).clamp(1, most.max(1));
        let whole = chunk.saturating_mul(feed.executor.ahead().max(1));
        let buffer = buffer.unwrap_or(whole).max(1);
        Self { chunk: chunk.min(buffer), buffer }
    }
}

impl<I, R> Imap<I, R>
where
    I: Iterator<Item: Serialize>,
    R: DeserializeOwned,
{
    pub(crate) fn new(feed: Feed, items: I, limits: Limits, ordered: bool, stops: bool) -> Self {
        let flight = Flight::new(Arc::clone(&feed.executor), ordered);
        Self { feed, flight, items: Some(items), drawn: 0, limits, stops, on_item: None }
    }

    pub(crate) fn on_item(mut self, on_item: Option<OnItem>) -> Self {
        self.on_item = on_item.map(Arc::new);
        self
    }

    /// Takes the next result, but waits for it no longer than `timeout`. To draw items may take
    /// longer, if their iterator does.
    ///
    /// # Errors
    ///
    /// [`NotReady`] if there is none in time. It may be asked for again.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// mp_process::init();
    /// let pool = mp_pool::Pool::new(1)?;
    /// let mut parked = pool.imap(|_: u8| std::thread::park(), [1]);
    /// assert!(parked.next_timeout(Duration::from_millis(10)).is_err());
    /// let mut none = pool.imap(|_: u8| (), []);
    /// assert_eq!(none.next_timeout(Duration::from_secs(60))?, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn next_timeout(
        &mut self,
        timeout: Duration,
    ) -> Result<Option<Result<R, TaskError>>, NotReady> {
        self.next_until(Deadline::after(timeout))
    }

    /// Takes the next result if it is there.
    ///
    /// # Errors
    ///
    /// [`NotReady`] if it is not.
    pub fn try_next(&mut self) -> Result<Option<Result<R, TaskError>>, NotReady> {
        self.next_until(Deadline::now())
    }

    fn next_until(&mut self, deadline: Deadline) -> Result<Option<Result<R, TaskError>>, NotReady> {
        self.draw();
        let next = self.flight.next(deadline)?;
        if self.stops && matches!(next, Some(Err(_))) {
            self.items = None;
            self.flight.give_up();
        }
        Ok(next)
    }

    /// Draws what there is room for: a chunk, and more as long as there is nothing to take. So one
    /// who draws slowly keeps nobody from results that are there.
    fn draw(&mut self) {
        while self.limits.buffer - self.flight.items() >= self.limits.chunk {
            let Some(items) = &mut self.items else { return };
            let chunk: Vec<_> = items.take(self.limits.chunk).collect();
            if chunk.len() < self.limits.chunk {
                self.items = None;
            }
            if !chunk.is_empty() {
                self.hand_in(chunk);
            }
            if self.flight.is_ready() {
                return;
            }
        }
    }

    /// Draws all items at once.
    pub(crate) fn draw_all(mut self) -> Flight<R> {
        while self.items.is_some() {
            self.draw();
        }
        self.flight
    }

    fn hand_in(&mut self, chunk: Vec<I::Item>) {
        let (first, count) = (self.drawn, chunk.len());
        self.drawn += count;
        let on_item = self.on_item.clone().map(|on_item| -> OnItem {
            Box::new(move |place, answer| on_item(first + place, answer))
        });
        self.flight.push(self.feed.submit(chunk, count, on_item));
    }
}

impl<I, R> Iterator for Imap<I, R>
where
    I: Iterator<Item: Serialize>,
    R: DeserializeOwned,
{
    type Item = Result<R, TaskError>;

    fn next(&mut self) -> Option<Self::Item> {
        // Without a time limit it is ready sooner or later.
        self.next_until(Deadline::NEVER).ok().flatten()
    }
}

impl<I, R> FusedIterator for Imap<I, R>
where
    I: Iterator<Item: Serialize>,
    R: DeserializeOwned,
{
}

impl<I, R> fmt::Debug for Imap<I, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Imap")
            .field("drawn", &self.drawn)
            .field("chunk_size", &self.limits.chunk)
            .field("buffer", &self.limits.buffer)
            .finish_non_exhaustive()
    }
}
