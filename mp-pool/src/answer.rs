//! What came of an item, still encoded.

use std::ops::Range;

use mp_handle::{CodecError, Parcel};
use mp_process::Panic;
use serde::de::DeserializeOwned;

use crate::frames::Status;
use crate::output::Failure;
use crate::task_error::{TaskError, TaskErrorKind};
use crate::travel;

/// What came of an item. It is decoded by the thread that wants it, not by the one that takes it
/// in.
#[derive(Debug)]
#[non_exhaustive]
pub enum Answer {
    /// What the task has left, in the process with this id.
    Encoded(Status, Parcel, u32),
    /// The task has left nothing.
    Failed(TaskError),
}

impl Answer {
    pub(crate) fn undecodable(reason: String) -> Self {
        Self::Failed(TaskErrorKind::Undecodable { reason }.into())
    }

    pub(crate) fn is_failure(&self) -> bool {
        !matches!(self, Self::Encoded(Status::Returned, ..))
    }

    /// Why there is no value, if there is none.
    pub(crate) fn failure(&self) -> Option<TaskError> {
        // Of a failure nothing but its error is decoded, so any type of value will do.
        if self.is_failure() { self.decode::<()>(0).err() } else { None }
    }

    /// The value, or why the item at `place` among the inputs has none.
    pub(crate) fn decode<R: DeserializeOwned>(&self, place: usize) -> Result<R, TaskError> {
        self.decode_by(place, |parcel| travel::get(parcel, whole(parcel)))
    }

    /// The same, of a value of which it is not known here which type it was.
    pub(crate) fn decode_any<R: DeserializeOwned>(&self, place: usize) -> Result<R, TaskError> {
        self.decode_by(place, |parcel| parcel.get(whole(parcel)))
    }

    fn decode_by<R>(
        &self,
        place: usize,
        get: impl FnOnce(&Parcel) -> Result<R, CodecError>,
    ) -> Result<R, TaskError> {
        match self {
            Self::Failed(error) => Err(error.clone().at(place)),
            Self::Encoded(Status::Returned, parcel, pid) => {
                get(parcel).map_err(|error| no_value(error).at(place).of(*pid))
            }
            Self::Encoded(status, parcel, pid) => {
                Err(TaskError::from(decode_failure(*status, parcel)).at(place).of(*pid))
            }
        }
    }
}

fn whole(parcel: &Parcel) -> Range<usize> {
    0..parcel.bytes().len()
}

fn undecodable(what: &str, why: impl ToString) -> TaskErrorKind {
    TaskErrorKind::Undecodable { reason: format!("{what}: {}", why.to_string()) }
}

/// Decodes the value of a task that stands at `range`.
#[inline]
pub(crate) fn decode_value<R: DeserializeOwned>(
    parcel: &Parcel,
    range: Range<usize>,
) -> Result<R, TaskError> {
    travel::get(parcel, range).map_err(no_value)
}

fn no_value(error: CodecError) -> TaskError {
    undecodable("the result cannot be decoded", error).into()
}

/// Decodes why there is no value.
fn decode_failure(status: Status, parcel: &Parcel) -> TaskErrorKind {
    let reason = || parcel.get::<String>(whole(parcel)).unwrap_or_default();
    match status {
        Status::Failed => match parcel.get::<Failure>(whole(parcel)) {
            Ok(failure) => TaskErrorKind::Failed(Box::new(failure)),
            Err(error) => undecodable("the task's error cannot be decoded", error),
        },
        Status::Panicked => match parcel.get::<Panic>(whole(parcel)) {
            Ok(panic) => TaskErrorKind::Panicked(Box::new(panic)),
            Err(error) => undecodable("the task's panic cannot be decoded", error),
        },
        Status::NotEncoded => undecodable("the worker cannot encode the result", reason()),
        _ => undecodable("the worker cannot decode the arguments", reason()),
    }
}
