//! What workers are given for all their tasks: a value to share, a state, and a last function.

use std::any::TypeId;
use std::sync::Arc;

use mp_handle::Parcel;
use mp_process::Function;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::builder::Builder;
use crate::context::Context;
use crate::error::PoolError;
use crate::pool::Pool;
use crate::state::{self, Finalizer, Maker};
use crate::task_error::TaskErrorKind;

/// What all workers of a pool are given.
#[derive(Debug, Default)]
pub(crate) struct Equipment {
    pub(crate) context: Option<Arc<Context>>,
    pub(crate) state: Option<State>,
    pub(crate) finalizer: Option<Finalizer>,
}

/// What an executor has for the tasks of all calls: a value to share, and states.
#[derive(Clone, Debug, Default)]
pub struct Gear {
    pub(crate) context: Option<Arc<Context>>,
    /// The type of the states.
    pub(crate) state: Option<TypeId>,
}

/// How a worker makes its state.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) type_id: TypeId,
    pub(crate) maker: Maker,
    pub(crate) args: Parcel,
}

impl Equipment {
    pub(crate) fn gear(&self) -> Gear {
        let state = self.state.as_ref().map(|state| state.type_id);
        Gear { context: self.context.clone(), state }
    }
}

impl Builder {
    /// Gives the workers a value to share among all calls of the pool. It is sent to each worker
    /// once, when the first task asks for it by [`Task::with_shared`](crate::Task::with_shared).
    /// A value for a single call is given by [`Task::with`](crate::Task::with).
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_pool::Pool;
    ///
    /// fn scale(factors: &Vec<f64>, n: usize, x: f64) -> f64 {
    ///     factors[n] * x
    /// }
    ///
    /// mp_process::init();
    /// let pool = Pool::builder().workers(2).with(&vec![2.0, 10.0]).build()?;
    /// assert_eq!(pool.task(scale).with_shared().starmap([(0, 1.5), (1, 1.5)])?, [3.0, 15.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "shared_objects")]
    pub fn with<S>(self, value: &S) -> Self
    where
        S: Serialize + DeserializeOwned + 'static,
    {
        self.equip(|given| Ok(Equipment { context: Some(Context::new(value)?), ..given }))
    }

    /// Has each worker call `f` with `args`, after the initializer and before its first task, and
    /// keep what it returns as its state, which tasks are lent by
    /// [`Task::with_state`](crate::Task::with_state). It is dropped when the worker exits. A worker
    /// whose `f` panics ends; see [`restarts`](Self::restarts).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::collections::HashMap;
    /// use mp_pool::Pool;
    ///
    /// type Cache = HashMap<u64, u64>;
    ///
    /// fn cached(cache: &mut Cache, n: u64) -> u64 {
    ///     *cache.entry(n).or_insert_with(|| (1..=n).product())
    /// }
    ///
    /// fn how_many(cache: Cache) -> usize {
    ///     cache.len()
    /// }
    ///
    /// mp_process::init();
    /// let pool = Pool::builder()
    ///     .workers(1)
    ///     .state(Cache::with_capacity, (100,))
    ///     .state_finalizer(how_many)
    ///     .build()?;
    /// assert_eq!(pool.task(cached).with_state().map([5, 3, 5])?, [120, 6, 120]);
    /// pool.close();
    /// pool.join()?;
    /// assert_eq!(pool.exit_results(), [(0, Ok(2))]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "use_worker_state")]
    pub fn state<F, A>(self, f: F, args: A) -> Self
    where
        F: Function<A>,
        F::Output: 'static,
        A: Serialize + DeserializeOwned,
    {
        self.equip(|given| {
            let type_id = TypeId::of::<F::Output>();
            let args = Parcel::encode(&args).map_err(PoolError::Initializer)?;
            let state = State { type_id, maker: state::maker(f)?, args };
            Ok(Equipment { state: Some(state), ..given })
        })
    }

    /// Has each worker call `f` when it exits; [`Pool::exit_results`] gives the results. A worker
    /// that is killed does not come to it.
    #[doc(alias = "worker_exit")]
    pub fn finalizer<F>(self, f: F) -> Self
    where
        F: Function<()>,
        F::Output: Serialize + DeserializeOwned,
    {
        self.equip(|given| Ok(Equipment { finalizer: Some(state::finalizer(f)?), ..given }))
    }

    /// Has each worker call `f` with its state when it exits; as [`finalizer`](Self::finalizer).
    #[doc(alias = "worker_exit")]
    pub fn state_finalizer<F, T>(self, f: F) -> Self
    where
        F: Function<(T,)>,
        F::Output: Serialize + DeserializeOwned,
        T: 'static,
    {
        self.equip(|given| Ok(Equipment { finalizer: Some(state::state_finalizer(f)?), ..given }))
    }

    /// Changes the equipment; the first failure is that of [`build`](Self::build).
    fn equip(mut self, change: impl FnOnce(Equipment) -> Result<Equipment, PoolError>) -> Self {
        self.equipment = self.equipment.and_then(change);
        self
    }
}

impl Pool {
    /// Takes what the [finalizers](Builder::finalizer) of workers have returned so far, each with
    /// the [number](crate::worker_id) of its worker, in the order of the numbers; of one number,
    /// the earlier first. All of them are there when the pool was closed and joined. A worker that
    /// was killed has none; one whose finalizer has panicked has the panic.
    pub fn exit_results<R: DeserializeOwned>(&self) -> Vec<(usize, Result<R, TaskErrorKind>)> {
        let Some(shared) = &self.processes else { return Vec::new() };
        let mut results = shared.engine().take_exit_results();
        results.sort_by_key(|(id, _)| *id);
        results
            .into_iter()
            .map(|(id, answer)| (id, answer.decode_any(id).map_err(|error| error.kind)))
            .collect()
    }
}
