//! What a task's function may return.

use std::error::Error;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What a task's function returns, and what of it is the result.
///
/// By default (`M` is [`Plain`]) that is whatever serde can carry, a `Result` of such included.
/// After [`Task::fallible`](crate::Task::fallible) (`M` is [`Fallible`]) it is a `Result` whose
/// error need not be serde's, and becomes a [`TaskErrorKind::Failed`](crate::TaskErrorKind::Failed).
pub trait TaskOutput<M> {
    /// What the caller gets.
    type Value: Serialize + DeserializeOwned;

    /// Tells the value from the failure.
    ///
    /// # Errors
    ///
    /// The description of the error that the function returned.
    fn into_result(self) -> Result<Self::Value, Failure>;
}

/// Marks tasks whose return value is the result, whatever it is.
#[derive(Clone, Copy, Debug)]
pub struct Plain;

/// Marks tasks that return a `Result` of whose error only the description travels. `K`, which the
/// compiler finds, says how the error is described.
#[derive(Clone, Copy, Debug)]
pub struct Fallible<K>(PhantomData<K>);

/// Describes an [`Error`].
#[derive(Clone, Copy, Debug)]
pub struct ByError;

/// Describes what holds an error or a text, but is no [`Error`] itself: `Box<dyn Error>`,
/// `anyhow::Error`, `String`.
#[derive(Clone, Copy, Debug)]
pub struct ByContent;

impl<R: Serialize + DeserializeOwned> TaskOutput<Plain> for R {
    type Value = R;

    fn into_result(self) -> Result<R, Failure> {
        Ok(self)
    }
}

impl<R, E> TaskOutput<Fallible<ByError>> for Result<R, E>
where
    R: Serialize + DeserializeOwned,
    E: Error,
{
    type Value = R;

    fn into_result(self) -> Result<R, Failure> {
        self.map_err(|error| Failure::of(&error, error.source()))
    }
}

impl<R, E> TaskOutput<Fallible<ByContent>> for Result<R, E>
where
    R: Serialize + DeserializeOwned,
    E: Deref<Target: Describe>,
{
    type Value = R;

    fn into_result(self) -> Result<R, Failure> {
        self.map_err(|error| error.describe())
    }
}

/// The description of an error that a task returned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Failure {
    /// What the error says.
    pub message: String,
    /// What its sources say, from the nearest to the root.
    pub chain: Vec<String>,
}

impl Failure {
    fn of<T: ToString + ?Sized>(error: &T, source: Option<&(dyn Error + 'static)>) -> Self {
        let sources = std::iter::successors(source, |&error| error.source());
        Self { message: error.to_string(), chain: sources.map(ToString::to_string).collect() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.chain.iter().try_for_each(|source| write!(f, ": {source}"))
    }
}

/// What errors that are no [`Error`] hold: an error of unknown type, or a text.
pub trait Describe {
    /// Says what went wrong.
    fn describe(&self) -> Failure;
}

macro_rules! describe {
    ($($error:ty)*) => {$(
        impl Describe for $error {
            fn describe(&self) -> Failure {
                Failure::of(self, self.source())
            }
        }
    )*};
}

describe! {
    dyn Error
    dyn Error + Send
    dyn Error + Send + Sync
}

impl Describe for str {
    fn describe(&self) -> Failure {
        Failure::of(self, None)
    }
}
