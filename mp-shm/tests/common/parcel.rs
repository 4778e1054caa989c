//! Handles on their way.

use mp_handle::Parcel;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Sends a handle through a parcel: the same object, mapped once more.
pub(crate) fn arrive<T: Serialize + DeserializeOwned>(handle: &T) -> T {
    Parcel::encode(handle).unwrap().decode().unwrap()
}
