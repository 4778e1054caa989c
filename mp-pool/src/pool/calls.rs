//! The calls of a pool, without options.

use mp_process::Function;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Pool;
use crate::async_result::AsyncResult;
use crate::future::Future;
use crate::imap::Imap;
use crate::output::Plain;
use crate::task::Task;
use crate::task_error::TaskError;

impl Pool {
    /// Prepares a call of `f` with options.
    pub fn task<F>(&self, f: F) -> Task<'_, F, Plain> {
        Task::new(&self.executor, f)
    }

    /// Calls `f` for each item, and returns the results in the order of the items.
    ///
    /// # Errors
    ///
    /// As soon as an item fails, its failure (of several, the first in the order of the items);
    /// chunks that have not begun are given up. [`try_map`](Self::try_map) gives each its own.
    pub fn map<F, T>(
        &self,
        f: F,
        items: impl IntoIterator<Item = T>,
    ) -> Result<Vec<F::Output>, TaskError>
    where
        F: Function<(T,)>,
        F::Output: Serialize + DeserializeOwned,
        T: Serialize + DeserializeOwned,
    {
        self.task(f).map(items)
    }

    /// Calls `f` for each item, and returns what became of each, in the order of the items.
    pub fn try_map<F, T>(
        &self,
        f: F,
        items: impl IntoIterator<Item = T>,
    ) -> Vec<Result<F::Output, TaskError>>
    where
        F: Function<(T,)>,
        F::Output: Serialize + DeserializeOwned,
        T: Serialize + DeserializeOwned,
    {
        self.task(f).try_map(items)
    }

    /// Calls `f` for each item, a tuple of its arguments.
    ///
    /// # Errors
    ///
    /// As [`map`](Self::map).
    ///
    /// # Examples
    ///
    /// ```
    /// mp_process::init();
    /// let pool = mp_pool::Pool::new(2)?;
    /// assert_eq!(pool.starmap(|a: u32, b: u32| a * b, [(2, 3), (4, 5)])?, [6, 20]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn starmap<F, A>(
        &self,
        f: F,
        items: impl IntoIterator<Item = A>,
    ) -> Result<Vec<F::Output>, TaskError>
    where
        F: Function<A>,
        F::Output: Serialize + DeserializeOwned,
        A: Serialize + DeserializeOwned,
    {
        self.task(f).starmap(items)
    }

    /// Calls `f` once, and waits for its result.
    ///
    /// # Errors
    ///
    /// Why it has none.
    pub fn apply<F, A>(&self, f: F, args: A) -> Result<F::Output, TaskError>
    where
        F: Function<A>,
        F::Output: Serialize + DeserializeOwned,
        A: Serialize + DeserializeOwned,
    {
        self.task(f).apply(args)
    }

    /// Calls `f` for each item, and gives the results one by one, in the order of the items, while
    /// it works ahead. Items are drawn as results are taken; see [`Imap`].
    ///
    /// # Examples
    ///
    /// ```
    /// mp_process::init();
    /// let pool = mp_pool::Pool::new(2)?;
    /// for (n, square) in (0_u64..).zip(pool.imap(|n: u64| n * n, 0..4)) {
    ///     assert_eq!(square?, n * n);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn imap<F, T>(
        &self,
        f: F,
        items: impl IntoIterator<Item = T>,
    ) -> Imap<impl Iterator<Item = (T,)>, F::Output>
    where
        F: Function<(T,)>,
        F::Output: Serialize + DeserializeOwned,
        T: Serialize + DeserializeOwned,
    {
        self.task(f).imap(items)
    }

    /// Calls `f` for each item, and gives the results as they come; otherwise as
    /// [`imap`](Self::imap).
    ///
    /// # Examples
    ///
    /// ```
    /// mp_process::init();
    /// let pool = mp_pool::Pool::new(2)?;
    /// let squares: Result<std::collections::BTreeSet<_>, _> =
    ///     pool.imap_unordered(|n: u64| n * n, 0..4).collect();
    /// assert_eq!(squares?, [0, 1, 4, 9].into());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn imap_unordered<F, T>(
        &self,
        f: F,
        items: impl IntoIterator<Item = T>,
    ) -> Imap<impl Iterator<Item = (T,)>, F::Output>
    where
        F: Function<(T,)>,
        F::Output: Serialize + DeserializeOwned,
        T: Serialize + DeserializeOwned,
    {
        self.task(f).imap_unordered(items)
    }

    /// Has `f` called once, and returns a future at once: it can be awaited, cancelled, and waited
    /// for together with others. See [`Future`].
    ///
    /// # Examples
    ///
    /// ```
    /// mp_process::init();
    /// let pool = mp_pool::Pool::new(2)?;
    /// let sum = pool.submit(|a: u32, b: u32| a + b, (1, 2));
    /// assert_eq!(sum.result()?, 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn submit<F, A>(&self, f: F, args: A) -> Future<F::Output>
    where
        F: Function<A>,
        F::Output: Serialize + DeserializeOwned,
        A: Serialize + DeserializeOwned,
    {
        self.task(f).submit(args)
    }

    /// Has `f` called for each item, and returns at once. See [`AsyncResult`].
    pub fn map_async<F, T>(
        &self,
        f: F,
        items: impl IntoIterator<Item = T>,
    ) -> AsyncResult<Vec<F::Output>>
    where
        F: Function<(T,)>,
        F::Output: Serialize + DeserializeOwned,
        T: Serialize + DeserializeOwned,
    {
        self.task(f).map_async(items)
    }

    /// Has `f` called for each item, a tuple of its arguments, and returns at once.
    pub fn starmap_async<F, A>(
        &self,
        f: F,
        items: impl IntoIterator<Item = A>,
    ) -> AsyncResult<Vec<F::Output>>
    where
        F: Function<A>,
        F::Output: Serialize + DeserializeOwned,
        A: Serialize + DeserializeOwned,
    {
        self.task(f).starmap_async(items)
    }

    /// Has `f` called once, and returns at once. See [`AsyncResult`].
    pub fn apply_async<F, A>(&self, f: F, args: A) -> AsyncResult<F::Output>
    where
        F: Function<A>,
        F::Output: Serialize + DeserializeOwned,
        A: Serialize + DeserializeOwned,
    {
        self.task(f).apply_async(args)
    }
}
