//! What a task's function may return.

use std::error::Error;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What a task's function returns, and what of it is the result.
///
/// By default (`M` is [`Plain`]) that is whatever serde can carry, a `Result` of such included.
/// After [`Task::fallible`](crate::Task::fallible) (`M` is [`Fallible`]) it is a `Result` whose
/// error may be anything, and becomes a [`TaskError::Failed`](crate::TaskError::Failed).
pub trait TaskOutput<M> {
    /// What the caller gets.
    type Value: Serialize + DeserializeOwned;

    /// Tells the value from the failure.
    ///
    /// # Errors
    ///
    /// The error that the function returned.
    fn into_result(self) -> Result<Self::Value, Failure>;
}

/// Marks tasks whose return value is the result, whatever it is.
#[derive(Clone, Copy, Debug)]
pub struct Plain;

/// Marks tasks that return a `Result` of whose error only the description travels.
#[derive(Clone, Copy, Debug)]
pub struct Fallible;

impl<R: Serialize + DeserializeOwned> TaskOutput<Plain> for R {
    type Value = R;

    fn into_result(self) -> Result<R, Failure> {
        Ok(self)
    }
}

impl<R, E> TaskOutput<Fallible> for Result<R, E>
where
    R: Serialize + DeserializeOwned,
    E: Into<Box<dyn Error>>,
{
    type Value = R;

    fn into_result(self) -> Result<R, Failure> {
        self.map_err(|error| Failure::describe(&*error.into()))
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
    fn describe(error: &dyn Error) -> Self {
        let sources = std::iter::successors(error.source(), |&error| error.source());
        Self { message: error.to_string(), chain: sources.map(ToString::to_string).collect() }
    }
}
