//! The user's functions, wrapped into what decodes their arguments and encodes their results.
//!
//! All wrappers have one signature, so that a client can number them and the server can keep them
//! in one table. A panic never leaves a wrapper.

use std::any::Any;
use std::mem;
use std::sync::Arc;

use mp_process::{ForeignFunction, Func, Function, Panic, catch_panic};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Refusal;
use crate::method::Method;
use crate::nesting;
use crate::objects::{Aide, DictData, Reply, Stored};
use crate::proxies::Transaction;
use crate::vault::Vault;
use crate::wire::Reader;

/// A wrapped function.
pub(crate) type Shim = Func<Box<Call>, Box<Call>>;

/// One call on the server: what goes in and what comes out.
pub(crate) struct Call {
    pub(crate) aide: Arc<Aide>,
    pub(crate) subject: Subject,
    /// The arguments, a value as it came.
    pub(crate) args: Vec<u8>,
    pub(crate) outcome: Result<Reply, Refusal>,
}

/// What the function works on.
pub(crate) enum Subject {
    Nothing,
    /// An object of the user's type.
    Any(Box<dyn Any + Send>),
    Value(Stored),
    Values(Vec<Stored>),
    Dict(DictData),
}

impl Call {
    pub(crate) fn new(aide: &Arc<Aide>, subject: Subject, args: Reader<'_>) -> Box<Self> {
        let args = args.rest().to_vec();
        Box::new(Self { aide: Arc::clone(aide), subject, args, outcome: Ok(Reply::default()) })
    }

    fn args<A: DeserializeOwned>(&self) -> Result<A, Refusal> {
        let value = Reader::new(&self.args).value()?;
        let args = nesting::decode_here(&self.aide.origin, value);
        args.map_err(|error| Refusal::Undecodable(format!("the arguments: {error}")))
    }

    fn reply<T: Serialize>(&self, value: &T) -> Result<Reply, Refusal> {
        let mut reply = Reply::default();
        reply.value(&self.aide.encode(value)?);
        Ok(reply)
    }

    /// Runs `body`, and notes what came of it.
    fn finish(
        mut self: Box<Self>,
        body: impl FnOnce(&mut Self) -> Result<Reply, Refusal>,
    ) -> Box<Self> {
        let ran = catch_panic(|| body(&mut self));
        self.outcome = ran.unwrap_or_else(|panic: Panic| Err(Refusal::Panicked(panic)));
        self
    }
}

/// A function that makes an object of the user's type.
pub(crate) fn constructor<F, A>(f: F) -> Result<Shim, ForeignFunction>
where
    F: Function<A>,
    F::Output: Send + 'static,
    A: DeserializeOwned + 'static,
{
    Func::bind(f, |f: F, call: Box<Call>| {
        call.finish(|call| {
            let Subject::Nothing = call.subject else { return Err(Refusal::UnknownOp) };
            call.subject = Subject::Any(Box::new(f.call(call.args()?)));
            Ok(Reply::default())
        })
    })
}

/// A function that works on an object of the user's type.
pub(crate) fn method<T, F, A>(f: F) -> Result<Shim, ForeignFunction>
where
    F: Method<T, A>,
    F::Output: Serialize,
    T: 'static,
    A: DeserializeOwned + 'static,
{
    Func::bind(f, |f: F, call: Box<Call>| {
        call.finish(|call| {
            let args = call.args()?;
            let Subject::Any(object) = &mut call.subject else { return Err(Refusal::UnknownOp) };
            let name = std::any::type_name::<T>();
            let wrong = || Refusal::Undecodable(format!("the function takes {name}"));
            let result = f.call(object.downcast_mut::<T>().ok_or_else(wrong)?, args);
            call.reply(&result)
        })
    })
}

/// A function that changes one encoded value.
pub(crate) fn update<V, F, A>(f: F) -> Result<Shim, ForeignFunction>
where
    F: Method<V, A>,
    F::Output: Serialize,
    V: Serialize + DeserializeOwned + 'static,
    A: DeserializeOwned + 'static,
{
    Func::bind(f, |f: F, call: Box<Call>| {
        call.finish(|call| {
            let Subject::Value(stored) = &call.subject else { return Err(Refusal::UnknownOp) };
            let mut value: V = call.aide.decode(stored)?;
            let result = f.call(&mut value, call.args()?);
            let reply = call.reply(&result)?;
            call.subject = Subject::Value(call.aide.encode(&value)?);
            Ok(reply)
        })
    })
}

/// A function that makes an encoded value.
pub(crate) fn maker<V, F, A>(f: F) -> Result<Shim, ForeignFunction>
where
    F: Function<A, Output = V>,
    V: Serialize,
    A: DeserializeOwned + 'static,
{
    Func::bind(f, |f: F, call: Box<Call>| {
        call.finish(|call| {
            call.subject = Subject::Value(call.aide.encode(&f.call(call.args()?))?);
            Ok(Reply::default())
        })
    })
}

/// A function that says yes or no to one encoded value; the reply is a flag.
pub(crate) fn predicate<V, F, A>(f: F) -> Result<Shim, ForeignFunction>
where
    F: Method<V, A, Output = bool>,
    V: DeserializeOwned + 'static,
    A: DeserializeOwned + 'static,
{
    Func::bind(f, |f: F, call: Box<Call>| {
        call.finish(|call| {
            let Subject::Value(stored) = &call.subject else { return Err(Refusal::UnknownOp) };
            let mut value: V = call.aide.decode(stored)?;
            let mut reply = Reply::default();
            reply.flag(f.call(&mut value, call.args()?));
            Ok(reply)
        })
    })
}

/// A function that works on all entries of a dict. What it has changed counts when it has returned,
/// and its result can travel.
pub(crate) fn transaction<K, V, F, A>(f: F) -> Result<Shim, ForeignFunction>
where
    F: Method<Transaction<K, V>, A>,
    F::Output: Serialize,
    K: Serialize + DeserializeOwned + 'static,
    V: Serialize + DeserializeOwned + 'static,
    A: DeserializeOwned + 'static,
{
    Func::bind(f, |f: F, call: Box<Call>| {
        call.finish(|call| {
            let args = call.args()?;
            let Subject::Dict(data) = &mut call.subject else { return Err(Refusal::UnknownOp) };
            let data = mem::take(data);
            let mut transaction = Transaction::new(Vault::new(data, &call.aide));
            let ran = catch_panic(|| call.reply(&f.call(&mut transaction, args)));
            let ran = ran.unwrap_or_else(|panic| Err(Refusal::Panicked(panic)));
            let mut vault = transaction.into_vault();
            if ran.is_err() {
                vault.roll_back();
            }
            call.subject = Subject::Dict(vault.commit());
            ran
        })
    })
}

/// Sorts encoded values by what `f` makes of them.
pub(crate) fn sorter<T, F, O>(f: F) -> Result<Shim, ForeignFunction>
where
    F: Function<(T,), Output = O>,
    T: DeserializeOwned + 'static,
    O: Ord,
{
    Func::bind(f, |f: F, call: Box<Call>| {
        call.finish(|call| {
            let Subject::Values(values) = &mut call.subject else {
                return Err(Refusal::UnknownOp);
            };
            let values = mem::take(values);
            let mut sorted = Vec::with_capacity(values.len());
            for value in values {
                sorted.push((f.call((call.aide.decode::<T>(&value)?,)), value));
            }
            sorted.sort_by(|(one, _), (other, _)| one.cmp(other));
            call.subject = Subject::Values(sorted.into_iter().map(|(_, value)| value).collect());
            Ok(Reply::default())
        })
    })
}
