//! What the functions of tasks find in their workers.

use std::any::TypeId;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Task;
use crate::context::{Context, With};
use crate::error::PoolError;
use crate::output::Plain;
use crate::state::WithState;
use crate::task_error::TaskErrorKind;

impl<'p, F> Task<'p, F, Plain> {
    /// Has the function take a reference to `value` as its first argument. The value is sent to
    /// each worker once, not with each task, and decoded there once; it is dropped there when the
    /// call has ended. To be called before [`fallible`](Self::fallible) and
    /// [`on_item`](Self::on_item).
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_pool::Pool;
    ///
    /// fn look_up(table: &Vec<String>, n: usize) -> String {
    ///     table[n].clone()
    /// }
    ///
    /// mp_process::init();
    /// let pool = Pool::new(2)?;
    /// let table = vec!["zero".to_owned(), "one".to_owned()];
    /// assert_eq!(pool.task(look_up).with(&table).map([1, 0])?, ["one", "zero"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "shared_objects")]
    pub fn with<S>(mut self, value: &S) -> Task<'p, With<F, S>>
    where
        S: Serialize + DeserializeOwned + 'static,
    {
        self.context = match Context::new(value) {
            Ok(context) => Ok(Some(context)),
            Err(PoolError::ForeignFunction(error)) => {
                Err(TaskErrorKind::ForeignFunction(error).into())
            }
            Err(error) => Err(TaskErrorKind::Undecodable { reason: error.to_string() }.into()),
        };
        self.convert(With::new)
    }

    /// Has the function take a reference to the value of [`Builder::with`] as its first argument;
    /// as [`with`](Self::with).
    ///
    /// If the pool has no value of that type, each of the tasks ends with an error that says so.
    ///
    /// [`Builder::with`]: crate::Builder::with
    pub fn with_shared<S: 'static>(mut self) -> Task<'p, With<F, S>> {
        self.context = match &self.executor.gear().context {
            Some(context) => context.expect::<S>().map(|()| Some(Arc::clone(context))),
            None => Err("the function shares a value, but the pool was built without one".into()),
        }
        .map_err(|reason| TaskErrorKind::Undecodable { reason }.into());
        self.convert(With::new)
    }

    /// Has the function take a mutable reference to the state of its worker, from
    /// [`Builder::state`], as its first argument. To be called before
    /// [`fallible`](Self::fallible) and [`on_item`](Self::on_item).
    ///
    /// A panic of the function leaves the state as it was then. If the pool has no state of that
    /// type, each of the tasks ends with an error that says so.
    ///
    /// [`Builder::state`]: crate::Builder::state
    #[doc(alias = "use_worker_state")]
    pub fn with_state<T: 'static>(mut self) -> Task<'p, WithState<F, T>> {
        if self.executor.gear().state != Some(TypeId::of::<T>()) {
            let reason = format!(
                "the function needs a state of type {}, with which the pool was not built",
                std::any::type_name::<T>()
            );
            self.context = Err(TaskErrorKind::Undecodable { reason }.into());
        }
        self.convert(WithState::new)
    }
}
