//! What came of an item, still encoded.

use std::ops::Range;

use mp_handle::Parcel;
use mp_process::Panic;
use serde::de::DeserializeOwned;

use crate::error::TaskError;
use crate::output::Failure;
use crate::protocol::Status;

/// What came of an item. It is decoded by the thread that wants it, not by the one that takes it
/// in.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Some of the bytes of the job.
    Inline(Status, Range<usize>),
    /// A parcel of its own.
    Spilled(Status, Parcel),
    Failed(TaskError),
}

impl Answer {
    pub(crate) fn undecodable(reason: String) -> Self {
        Self::Failed(TaskError::Undecodable { reason })
    }

    pub(crate) fn is_failure(&self) -> bool {
        let returned = Status::Returned;
        !matches!(self, Self::Inline(status, _) | Self::Spilled(status, _) if *status == returned)
    }

    /// A copy that does not need the job.
    pub(crate) fn copy(&self, bytes: &Parcel) -> Self {
        let copy = |bytes: &[u8], of: &Parcel| {
            Parcel::from_parts(bytes.to_vec(), of.descriptors().to_vec())
        };
        match self {
            Self::Inline(status, range) => {
                Self::Spilled(*status, copy(&bytes.bytes()[range.clone()], bytes))
            }
            Self::Spilled(status, parcel) => Self::Spilled(*status, copy(parcel.bytes(), parcel)),
            Self::Failed(error) => Self::Failed(error.clone()),
        }
    }

    /// The value, or why there is none. `bytes` are those of the job; a copy needs none.
    pub(crate) fn decode<R: DeserializeOwned>(&self, bytes: &Parcel) -> Result<R, TaskError> {
        match self {
            Self::Failed(error) => Err(error.clone()),
            Self::Inline(status, range) => decode_as(*status, bytes, range.clone()),
            Self::Spilled(status, parcel) => decode_as(*status, parcel, 0..parcel.bytes().len()),
        }
    }
}

fn decode_as<R: DeserializeOwned>(
    status: Status,
    parcel: &Parcel,
    range: Range<usize>,
) -> Result<R, TaskError> {
    let undecodable =
        |what: &str, why: String| TaskError::Undecodable { reason: format!("{what}: {why}") };
    let reason = || parcel.get::<String>(range.clone()).unwrap_or_default();
    Err(match status {
        Status::Returned => match parcel.get(range) {
            Ok(value) => return Ok(value),
            Err(error) => undecodable("the result cannot be decoded", error.to_string()),
        },
        Status::Failed => match parcel.get::<Failure>(range) {
            Ok(Failure { message, chain }) => TaskError::Failed { message, chain },
            Err(error) => undecodable("the task's error cannot be decoded", error.to_string()),
        },
        Status::Panicked => match parcel.get::<Panic>(range) {
            Ok(panic) => TaskError::Panicked(panic),
            Err(error) => undecodable("the task's panic cannot be decoded", error.to_string()),
        },
        Status::NotDecoded => undecodable("the worker cannot decode the arguments", reason()),
        Status::NotEncoded => undecodable("the worker cannot encode the result", reason()),
    })
}
