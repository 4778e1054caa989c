//! The calls whose results are taken one by one.

use mp_process::Function;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Task, Value};
use crate::imap::{Imap, Limits};
use crate::output::TaskOutput;
use crate::results::Results;

impl<F, M> Task<'_, F, M> {
    /// As [`Pool::imap`](crate::Pool::imap).
    ///
    /// # Examples
    ///
    /// ```
    /// mp_process::init();
    /// let pool = mp_pool::Pool::new(2)?;
    /// let squares = pool.task(|n: u64| n * n).chunk_size(10).buffer(100).imap(0..1000);
    /// assert_eq!(squares.map(Result::unwrap).sum::<u64>(), 332_833_500);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn imap<T>(
        self,
        items: impl IntoIterator<Item = T>,
    ) -> Imap<impl Iterator<Item = (T,)>, Value<F, (T,), M>>
    where
        F: Function<(T,)>,
        F::Output: TaskOutput<M>,
        T: Serialize + DeserializeOwned,
    {
        self.lazy(items.into_iter().map(|item| (item,)), true)
    }

    /// As [`Pool::imap_unordered`](crate::Pool::imap_unordered).
    pub fn imap_unordered<T>(
        self,
        items: impl IntoIterator<Item = T>,
    ) -> Imap<impl Iterator<Item = (T,)>, Value<F, (T,), M>>
    where
        F: Function<(T,)>,
        F::Output: TaskOutput<M>,
        T: Serialize + DeserializeOwned,
    {
        self.ordered(false).imap(items)
    }

    /// As [`imap`](Self::imap), but goes on behind a failure: gives what became of each item.
    ///
    /// # Examples
    ///
    /// ```
    /// mp_process::init();
    /// let pool = mp_pool::Pool::new(2)?;
    /// let halves = |n: u32| if n % 2 == 0 { Ok(n / 2) } else { Err("odd") };
    /// let each: Vec<_> = pool.task(halves).fallible().try_imap(1..=4).map(Result::ok).collect();
    /// assert_eq!(each, [None, Some(1), None, Some(2)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_imap<T>(
        self,
        items: impl IntoIterator<Item = T>,
    ) -> Imap<impl Iterator<Item = (T,)>, Value<F, (T,), M>>
    where
        F: Function<(T,)>,
        F::Output: TaskOutput<M>,
        T: Serialize + DeserializeOwned,
    {
        self.lazy(items.into_iter().map(|item| (item,)), false)
    }

    /// As [`imap_unordered`](Self::imap_unordered), but goes on behind a failure.
    pub fn try_imap_unordered<T>(
        self,
        items: impl IntoIterator<Item = T>,
    ) -> Imap<impl Iterator<Item = (T,)>, Value<F, (T,), M>>
    where
        F: Function<(T,)>,
        F::Output: TaskOutput<M>,
        T: Serialize + DeserializeOwned,
    {
        self.ordered(false).try_imap(items)
    }

    /// Hands in all items at once, each on its own unless [`chunk_size`](Self::chunk_size) says
    /// otherwise, and gives what becomes of them one by one: as
    /// [`ProcessPoolExecutor::map`](crate::ProcessPoolExecutor::map).
    ///
    /// # Examples
    ///
    /// ```
    /// mp_process::init();
    /// let pool = mp_pool::Pool::new(2)?;
    /// let mut squares = pool.task(|n: u64| n * n).chunk_size(2).results(0..5);
    /// assert_eq!(squares.len(), 5);
    /// assert_eq!(squares.nth(4), Some(Ok(16)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn results<T>(mut self, items: impl IntoIterator<Item = T>) -> Results<Value<F, (T,), M>>
    where
        F: Function<(T,)>,
        F::Output: TaskOutput<M>,
        T: Serialize + DeserializeOwned,
    {
        self.buffer = Some(usize::MAX);
        Results::new(self.lazy(items.into_iter().map(|item| (item,)), false).draw_all())
    }

    fn lazy<A, I>(mut self, items: I, stops: bool) -> Imap<I, Value<F, A, M>>
    where
        F: Function<A>,
        F::Output: TaskOutput<M>,
        A: Serialize + DeserializeOwned,
        I: Iterator<Item = A>,
    {
        let (least, most) = items.size_hint();
        let on_item = self.take_listener(most.filter(|&most| most == least));
        let feed = self.feed::<A>();
        let limits = Limits::new(self.chunk_size, self.buffer, &feed);
        Imap::new(feed, items, limits, self.ordered, stops).on_item(on_item)
    }
}
