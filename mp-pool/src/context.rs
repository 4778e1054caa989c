//! Values that all tasks of a call share: sent to each worker once, decoded there once, and lent
//! to the function as its first argument.
//!
//! The function of such a call is wrapped into a [`With`], which is a function of the other
//! arguments alone: it finds the value where the worker has put it. So a chunk of tasks only says
//! by number which value that is, and everything else is as for any other function.

use std::any::{Any, TypeId, type_name};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use mp_handle::{CodecError, Parcel};
use mp_process::{Func, Function, catch_panic};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::PoolError;

/// Decodes a value, which begins at some byte of a parcel, where its type is not known.
type Decoder = Func<(Parcel, usize), Result<Rc<dyn Any>, String>>;

/// A value that the tasks of a call share, encoded: for executors that carry it to where they run.
#[derive(Debug)]
pub struct Context {
    /// What chunks call it.
    pub(crate) number: u32,
    /// What it is, where that is known.
    type_id: Option<TypeId>,
    type_name: &'static str,
    /// The decoder, and behind it the value.
    pub(crate) parcel: Parcel,
    /// Where the value begins.
    pub(crate) head: u32,
}

/// A chunk whose tasks share nothing bears this number.
pub(crate) const NO_CONTEXT: u32 = 0;

impl Context {
    pub(crate) fn new<S>(value: &S) -> Result<Arc<Self>, PoolError>
    where
        S: Serialize + DeserializeOwned + 'static,
    {
        let decoder = Func::bind(PhantomData::<fn() -> S>, decode::<S>)?;
        let mut parcel = Parcel::new();
        let head = encode(&mut parcel, &decoder, value).map_err(PoolError::SharedValue)?;
        Ok(Arc::new(Self {
            number: next_number(),
            type_id: Some(TypeId::of::<S>()),
            type_name: type_name::<S>(),
            parcel,
            head,
        }))
    }

    /// The value, and what decodes it.
    #[must_use]
    pub fn parcel(&self) -> &Parcel {
        &self.parcel
    }

    /// Where in the parcel the value begins.
    #[must_use]
    pub fn head(&self) -> u32 {
        self.head
    }

    /// Takes a value that has come from another process of this build, or of a
    /// [friend](mp_process::befriend): the [parcel](Self::parcel), and its [head](Self::head).
    #[must_use]
    pub fn relayed(parcel: Parcel, head: u32) -> Arc<Self> {
        let type_name = "value of another process";
        Arc::new(Self { number: next_number(), type_id: None, type_name, parcel, head })
    }

    /// As [`relayed`](Self::relayed), for a value that is known to be an `S`: whatever has come,
    /// nothing but an `S` is decoded. `None` if there is no value, or `S` is the type of a shared
    /// library.
    #[must_use]
    pub fn relayed_as<S>(parcel: Parcel, head: u32) -> Option<Arc<Self>>
    where
        S: DeserializeOwned + 'static,
    {
        let decoder = Func::bind(PhantomData::<fn() -> S>, decode::<S>).ok()?;
        let value = parcel.bytes().get(head as usize..)?;
        let mut parcel = Parcel::new();
        let head = parcel.push::<Decoder>(&decoder).ok()?.end;
        parcel.bytes_mut().extend_from_slice(value);
        Some(Self::relayed(parcel, u32::try_from(head).ok()?))
    }

    /// Says what is wrong if a function takes another type of value than this.
    pub(crate) fn expect<S: 'static>(&self) -> Result<(), String> {
        if self.type_id == Some(TypeId::of::<S>()) {
            return Ok(());
        }
        let (wanted, given) = (type_name::<S>(), self.type_name);
        Err(format!("the function shares a {wanted}, but the pool has a {given}"))
    }
}

/// A number that no other value of this process has.
fn next_number() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(NO_CONTEXT + 1);
    NEXT.fetch_add(1, Ordering::Relaxed).max(NO_CONTEXT + 1)
}

fn decode<S: DeserializeOwned + 'static>(
    _type: PhantomData<fn() -> S>,
    (parcel, at): (Parcel, usize),
) -> Result<Rc<dyn Any>, String> {
    match catch_panic(|| parcel.get::<S>(at..parcel.bytes().len())) {
        Ok(Ok(value)) => Ok(Rc::new(value)),
        Ok(Err(error)) => Err(format!("the shared value cannot be decoded: {error}")),
        Err(panic) => Err(format!("decoding the shared value {panic}")),
    }
}

fn encode<S: Serialize>(
    parcel: &mut Parcel,
    decoder: &Decoder,
    value: &S,
) -> Result<u32, CodecError> {
    let head = parcel.push(decoder)?.end;
    parcel.push(value)?;
    u32::try_from(head).map_err(serde::ser::Error::custom)
}

thread_local! {
    /// The value of the chunk that runs.
    static CURRENT: RefCell<Option<Rc<dyn Any>>> = const { RefCell::new(None) };
}

/// The values that a worker has, by number, or why it does not have them.
#[derive(Debug, Default)]
pub(crate) struct Contexts(BTreeMap<u32, Result<Rc<dyn Any>, String>>);

impl Contexts {
    /// Takes one that has come.
    pub(crate) fn add(&mut self, number: u32, received: Result<(Parcel, u32), String>) {
        let value = received.and_then(|(parcel, head)| {
            let head = head as usize;
            let decoder = parcel.get::<Decoder>(0..head).map_err(|error| error.to_string())?;
            decoder.call((parcel, head))
        });
        self.0.insert(number, value);
    }

    pub(crate) fn forget(&mut self, number: u32) {
        if let Some(Ok(value)) = self.0.remove(&number) {
            // It is the user's, and may panic when it is dropped.
            let _ = catch_panic(|| drop(value));
        }
    }

    /// Runs `f` where tasks find the value of this number.
    pub(crate) fn within<R>(&self, number: u32, f: impl FnOnce() -> R) -> Result<R, String> {
        if number == NO_CONTEXT {
            return Ok(f());
        }
        let value = self.0.get(&number).ok_or("the shared value has not come")?;
        let value = Rc::clone(value.as_ref().map_err(Clone::clone)?);
        // A task that runs tasks in its own thread has one of its own.
        let outer = CURRENT.replace(Some(value));
        let result = f();
        CURRENT.set(outer);
        Ok(result)
    }
}

/// A function whose first argument is a reference to a shared value, as one of the others: what
/// [`Task::with`](crate::Task::with) makes of it.
pub struct With<F, S> {
    function: F,
    shared: PhantomData<fn() -> S>,
}

impl<F, S> With<F, S> {
    /// Makes a function of it that takes the other arguments.
    pub fn new(function: F) -> Self {
        Self { function, shared: PhantomData }
    }
}

impl<F: Clone, S> Clone for With<F, S> {
    fn clone(&self) -> Self {
        Self::new(self.function.clone())
    }
}

impl<F: Copy, S> Copy for With<F, S> {}

impl<F, S> std::fmt::Debug for With<F, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "With({})", type_name::<F>())
    }
}

/// The value that the tasks of this chunk share.
fn current<S: 'static>() -> Rc<S> {
    let value = CURRENT.with_borrow(Clone::clone);
    let value = value.and_then(|value| value.downcast().ok());
    value.unwrap_or_else(|| panic!("there is no shared {} here", type_name::<S>()))
}

macro_rules! functions {
    ($(($($arg:ident)*))*) => {$(
        #[diagnostic::do_not_recommend]
        impl<F, S, R, $($arg),*> Function<($($arg,)*)> for With<F, S>
        where
            F: Fn(&S, $($arg),*) -> R + Copy + Send + Sync + 'static,
            S: 'static,
        {
            type Output = R;

            #[allow(non_snake_case, reason = "the arguments are named as their types")]
            fn call(&self, ($($arg,)*): ($($arg,)*)) -> R {
                (self.function)(&current::<S>(), $($arg),*)
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
