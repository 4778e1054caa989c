//! The state of a worker: a value that is made in it, is lent to its tasks, and ends with it.
//!
//! As with shared values, the function of a task is wrapped into one of the other arguments alone,
//! [`WithState`], which finds the state where the worker has put it. It never leaves the worker,
//! so that it may be anything: a connection, an interpreter, a random number generator.

use std::any::{Any, type_name};
use std::cell::Cell;
use std::marker::PhantomData;

use mp_handle::Parcel;
use mp_process::{ForeignFunction, Func, Function, Panic, catch_panic};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::frames::Status;
use crate::run::describe;

/// Makes the state, of encoded arguments.
pub(crate) type Maker = Func<Parcel, Result<Box<dyn Any>, String>>;

/// What a worker does last; the parcel is its result, or why there is none.
pub(crate) type Finalizer = Func<(), (Status, Parcel)>;

thread_local! {
    /// The state, unless a task has it.
    static STATE: Cell<Option<Box<dyn Any>>> = const { Cell::new(None) };
}

/// Wraps the function that makes the state.
pub(crate) fn maker<F, A>(f: F) -> Result<Maker, ForeignFunction>
where
    F: Function<A>,
    F::Output: 'static,
    A: DeserializeOwned,
{
    Func::bind(f, |f: F, args: Parcel| {
        let args = args.decode::<A>().map_err(|error| error.to_string())?;
        let state = catch_panic(|| f.call(args));
        state
            .map(|state| Box::new(state) as Box<dyn Any>)
            .map_err(|panic| format!("the function that makes the state {panic}"))
    })
}

/// Wraps a function that a worker calls last.
pub(crate) fn finalizer<F>(f: F) -> Result<Finalizer, ForeignFunction>
where
    F: Function<()>,
    F::Output: Serialize,
{
    Func::bind(f, |f: F, ()| outcome(catch_panic(|| f.call(()))))
}

/// Wraps a function that a worker calls last, with its state.
pub(crate) fn state_finalizer<F, T>(f: F) -> Result<Finalizer, ForeignFunction>
where
    F: Function<(T,)>,
    F::Output: Serialize,
    T: 'static,
{
    Func::bind(f, |f: F, ()| {
        outcome(catch_panic(|| {
            let state = STATE.take().and_then(|state| state.downcast::<T>().ok());
            let state = state.unwrap_or_else(|| panic!("{}", no_state::<T>()));
            f.call((*state,))
        }))
    })
}

fn outcome<R: Serialize>(result: Result<R, Panic>) -> (Status, Parcel) {
    let mut parcel = Parcel::new();
    let status = match result {
        Ok(value) => match parcel.push(&value) {
            Ok(_) => Status::Returned,
            Err(error) => describe(&mut parcel, Status::NotEncoded, &error.to_string()),
        },
        Err(panic) => describe(&mut parcel, Status::Panicked, &panic),
    };
    (status, parcel)
}

/// Worker: takes the state that was made.
pub(crate) fn keep(state: Box<dyn Any>) {
    STATE.set(Some(state));
}

/// Worker: drops the state, if a finalizer has not taken it.
pub(crate) fn end() {
    // It is the user's, and may panic when it is dropped.
    let _ = catch_panic(|| drop(STATE.take()));
}

fn no_state<T>() -> String {
    format!("this worker has no state of type {}", type_name::<T>())
}

/// The state while a task has it. It goes back also if the task panics.
struct Lent<T: 'static>(Option<Box<T>>);

impl<T: 'static> Lent<T> {
    fn take() -> Self {
        match STATE.take().map(Box::<dyn Any>::downcast) {
            Some(Ok(state)) => Self(Some(state)),
            other => {
                STATE.set(other.and_then(Result::err));
                panic!("{}", no_state::<T>());
            }
        }
    }
}

impl<T: 'static> Drop for Lent<T> {
    fn drop(&mut self) {
        STATE.set(self.0.take().map(|state| state as Box<dyn Any>));
    }
}

/// A function whose first argument is a reference to the state, as one of the others: what
/// [`Task::with_state`](crate::Task::with_state) makes of it.
pub struct WithState<F, T> {
    function: F,
    state: PhantomData<fn() -> T>,
}

impl<F, T> WithState<F, T> {
    pub(crate) fn new(function: F) -> Self {
        Self { function, state: PhantomData }
    }
}

impl<F: Clone, T> Clone for WithState<F, T> {
    fn clone(&self) -> Self {
        Self::new(self.function.clone())
    }
}

impl<F: Copy, T> Copy for WithState<F, T> {}

impl<F, T> std::fmt::Debug for WithState<F, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WithState({})", type_name::<F>())
    }
}

macro_rules! functions {
    ($(($($arg:ident)*))*) => {$(
        #[diagnostic::do_not_recommend]
        impl<F, T, R, $($arg),*> Function<($($arg,)*)> for WithState<F, T>
        where
            F: Fn(&mut T, $($arg),*) -> R + Copy + Send + Sync + 'static,
            T: 'static,
        {
            type Output = R;

            #[allow(non_snake_case, reason = "the arguments are named as their types")]
            fn call(&self, ($($arg,)*): ($($arg,)*)) -> R {
                let mut lent = Lent::<T>::take();
                let state = lent.0.as_mut().expect("it goes back at the end");
                (self.function)(state, $($arg),*)
            }
        }
    )*};
}

functions! {
    ()
    (A)
    (A B)
    (A B C)
    (A B C D)
    (A B C D E)
    (A B C D E G)
    (A B C D E G H)
}
