//! The calls of a pool that tell of it.

use super::{Dump, Statistics, Timeline};
use crate::pool::Pool;

impl Pool {
    /// The figures of the pool at this moment.
    ///
    /// # Examples
    ///
    /// ```
    /// mp_process::init();
    /// let pool = mp_pool::Pool::builder().workers(2).insights(true).build()?;
    /// pool.map(|n: u64| std::thread::sleep(std::time::Duration::from_millis(n)), [0, 500, 0])?;
    /// let figures = pool.statistics();
    /// assert_eq!((figures.finished, figures.failed), (3, 0));
    /// assert_eq!(figures.slowest[0].index, 1);
    /// assert!(figures.workers.iter().all(|worker| worker.busy.is_some()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.executor.statistics()
    }

    /// What the pool and each of its workers are at: to see why a result does not come.
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_pool::Activity;
    ///
    /// mp_process::init();
    /// let pool = mp_pool::Pool::new(1)?;
    /// let stuck = pool.apply_async(std::thread::park, ());
    /// while pool.dump().workers[0].activity != Activity::Running(0) {
    ///     std::thread::yield_now();
    /// }
    /// println!("{}", pool.dump()); // worker 0 (pid 4711): running task 0 for 1.2ms, 1 tasks given
    /// # drop((pool, stuck));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn dump(&self) -> Dump {
        self.executor.dump()
    }

    /// The run so far, to be written as a picture or as a trace; also after the pool has ended.
    ///
    /// # Examples
    ///
    /// ```
    /// mp_process::init();
    /// let pool = mp_pool::Pool::builder().workers(2).insights(true).build()?;
    /// pool.map(|n: u64| std::thread::sleep(std::time::Duration::from_millis(n)), 0..10)?;
    /// let page = pool.timeline().to_html();
    /// assert!(page.contains("10 tasks by 2 workers"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn timeline(&self) -> Timeline {
        self.executor.timeline()
    }
}
