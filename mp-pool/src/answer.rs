//! What came of an item, still encoded.

use std::ops::Range;

use mp_handle::Parcel;
use mp_process::Panic;
use serde::de::DeserializeOwned;

use crate::error::TaskError;
use crate::frames::Status;
use crate::output::Failure;

/// What came of an item. It is decoded by the thread that wants it, not by the one that takes it
/// in.
#[derive(Debug)]
pub(crate) enum Answer {
    Encoded(Status, Parcel),
    Failed(TaskError),
}

impl Answer {
    pub(crate) fn undecodable(reason: String) -> Self {
        Self::Failed(TaskError::Undecodable { reason })
    }

    pub(crate) fn is_failure(&self) -> bool {
        !matches!(self, Self::Encoded(Status::Returned, _))
    }

    /// The value, or why there is none.
    pub(crate) fn decode<R: DeserializeOwned>(&self) -> Result<R, TaskError> {
        match self {
            Self::Failed(error) => Err(error.clone()),
            Self::Encoded(Status::Returned, parcel) => decode_value(parcel, whole(parcel)),
            Self::Encoded(status, parcel) => Err(decode_failure(*status, parcel)),
        }
    }
}

fn whole(parcel: &Parcel) -> Range<usize> {
    0..parcel.bytes().len()
}

fn undecodable(what: &str, why: impl ToString) -> TaskError {
    TaskError::Undecodable { reason: format!("{what}: {}", why.to_string()) }
}

/// Decodes the value that stands at `range`.
#[inline]
pub(crate) fn decode_value<R: DeserializeOwned>(
    parcel: &Parcel,
    range: Range<usize>,
) -> Result<R, TaskError> {
    parcel.get(range).map_err(|error| undecodable("the result cannot be decoded", error))
}

/// Decodes why there is no value.
fn decode_failure(status: Status, parcel: &Parcel) -> TaskError {
    let reason = || parcel.get::<String>(whole(parcel)).unwrap_or_default();
    match status {
        Status::Failed => match parcel.get::<Failure>(whole(parcel)) {
            Ok(Failure { message, chain }) => TaskError::Failed { message, chain },
            Err(error) => undecodable("the task's error cannot be decoded", error),
        },
        Status::Panicked => match parcel.get::<Panic>(whole(parcel)) {
            Ok(panic) => TaskError::Panicked(panic),
            Err(error) => undecodable("the task's panic cannot be decoded", error),
        },
        Status::NotEncoded => undecodable("the worker cannot encode the result", reason()),
        _ => undecodable("the worker cannot decode the arguments", reason()),
    }
}
