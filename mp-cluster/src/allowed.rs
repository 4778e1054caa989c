//! The functions that a worker runs, if it does not run all of its program's.
//!
//! What comes over the wire then only says which of these it is: no address that somebody has sent
//! is ever called, neither for a task nor to decode the value that tasks share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use mp_handle::Parcel;
use mp_pool::{Context, Fallible, Plain, Routine, TaskOutput, With};
use mp_process::{ForeignFunction, Function};
use serde::de::DeserializeOwned;

/// Makes the value that tasks share of what has come, if the function takes one.
pub(crate) type Share = fn(Parcel, u32) -> Option<Arc<Context>>;

/// A function that may be run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowed {
    pub(crate) routine: Routine,
    pub(crate) share: Share,
}

/// By the ids of their routines; all functions, if there is no table.
static ALLOWED: Mutex<Option<HashMap<u64, Allowed>>> = Mutex::new(None);

/// Allows workers of this program to run a function, and none that is not allowed: in the setup of
/// [`init_with`](crate::init_with). A task of any other function ends with
/// [`NotAllowed`](mp_pool::TaskErrorKind::NotAllowed), which names it.
///
/// Without it, workers run whatever function of their own build is asked for by somebody who knows
/// the cluster's secret. This is for those who trust clients with some functions, and not with all.
/// A function of a shared library cannot be a task, allowed or not.
///
/// # Examples
///
/// ```
/// fn square(n: u64) -> u64 {
///     n * n
/// }
///
/// fn parse(text: String) -> Result<u64, std::num::ParseIntError> {
///     text.parse()
/// }
///
/// fn look_up(table: &Vec<u64>, n: usize) -> u64 {
///     table[n]
/// }
///
/// mp_cluster::init_with(|| {
///     mp_cluster::allow(square);
///     mp_cluster::allow_fallible(parse);
///     mp_cluster::allow_with::<Vec<u64>, _, _>(look_up);
/// });
/// // It is about workers of the cluster: here, everything is as usual.
/// let pool = mp_pool::Pool::new(2)?;
/// assert_eq!(pool.apply(|n: u64| n + 1, (6,))?, 7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "register")]
pub fn allow<F, A>(function: F)
where
    F: Function<A>,
    F::Output: TaskOutput<Plain>,
    A: DeserializeOwned,
{
    add(Routine::new::<F, A, Plain>(function), |_, _| None);
}

/// As [`allow`], for a function that is called as a [fallible](mp_pool::Task::fallible) task.
pub fn allow_fallible<F, A, K>(function: F)
where
    F: Function<A>,
    F::Output: TaskOutput<Fallible<K>>,
    A: DeserializeOwned,
{
    add(Routine::new::<F, A, Fallible<K>>(function), |_, _| None);
}

/// As [`allow`], for a function that takes a [shared value](mp_pool::Task::with) of the type `S`.
pub fn allow_with<S, F, A>(function: F)
where
    With<F, S>: Function<A, Output: TaskOutput<Plain>>,
    S: DeserializeOwned + 'static,
    A: DeserializeOwned,
{
    let function = With::<F, S>::new(function);
    add(Routine::new::<_, A, Plain>(function), Context::relayed_as::<S>);
}

/// As [`allow_with`], for a [fallible](mp_pool::Task::fallible) task.
pub fn allow_fallible_with<S, F, A, K>(function: F)
where
    With<F, S>: Function<A, Output: TaskOutput<Fallible<K>>>,
    S: DeserializeOwned + 'static,
    A: DeserializeOwned,
{
    let function = With::<F, S>::new(function);
    add(Routine::new::<_, A, Fallible<K>>(function), Context::relayed_as::<S>);
}

fn add(routine: Result<Routine, ForeignFunction>, share: Share) {
    let mut allowed = ALLOWED.lock().unwrap_or_else(PoisonError::into_inner);
    let table = allowed.get_or_insert_default();
    if let Ok(routine) = routine {
        table.insert(routine.id(), Allowed { routine, share });
    }
}

/// What is to be run where this was asked for, if it may.
pub(crate) fn admit(asked: Routine) -> Option<Allowed> {
    match &*ALLOWED.lock().unwrap_or_else(PoisonError::into_inner) {
        None => Some(Allowed { routine: asked, share: as_it_came }),
        Some(table) => table.get(&asked.id()).copied(),
    }
}

fn as_it_came(value: Parcel, head: u32) -> Option<Arc<Context>> {
    Some(Context::relayed(value, head))
}
