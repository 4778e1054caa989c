//! What all objects here have in common: they live in a region, and travel as its descriptor.

use mp_handle::{Region, RegionError};
use rustix::param::page_size;

use crate::primitive::Robust;

/// What a region's header takes of its first page.
const HEADER: usize = 64;

/// Returns the payload bytes of a region that takes one page, header included.
pub(crate) fn one_page() -> usize {
    page_size() - HEADER
}

/// Finds the lock at the end of the first page.
pub(crate) fn first_lock(region: &Region) -> Result<Robust, RegionError> {
    if region.len() < one_page() {
        return Err(RegionError::Truncated { size: region.len() as u64 });
    }
    Robust::map(region, 0)
}

/// Lets a handle travel as its region, of which it has a method `region`; `attach` makes the handle
/// of a region that it checks itself.
macro_rules! travels {
    ($object:ty) => {
        impl serde::Serialize for $object {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.region().serialize(serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $object {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let region = mp_handle::Region::deserialize(deserializer)?;
                Self::attach(region).map_err(serde::de::Error::custom)
            }
        }
    };
}

/// Gives an object names: `create`, `open`, `open_or_create` and `unlink`.
///
/// The object has a `KIND`, and methods `attach`, which makes it of a region, and `fill`, which
/// writes its first contents, of `len` bytes.
macro_rules! named {
    ($object:ident, $new:literal) => {
        impl $object {
            #[doc = concat!("Creates a ", $new, " with a name, for programs that share nothing else.")]
            ///
            /// It lives until it is [unlinked](Self::unlink).
            ///
            /// # Errors
            ///
            /// [`Exists`](crate::RegionError::Exists) if the name is taken,
            /// [`Name`](crate::RegionError::Name) if it cannot be one, and those of
            /// [`new`](Self::new).
            ///
            /// # Examples
            ///
            /// ```
            #[doc = concat!("use mp_sync::", stringify!($object), ";")]
            ///
            #[doc = concat!("let name = format!(\"doc-", stringify!($object), "-{}\", std::process::id());")]
            #[doc = concat!("let created = ", stringify!($object), "::create(&name)?;")]
            #[doc = concat!("let opened = ", stringify!($object), "::open(&name)?;")]
            #[doc = concat!("assert!(", stringify!($object), "::create(&name).is_err());")]
            #[doc = concat!(stringify!($object), "::unlink(&name)?;")]
            /// # Ok::<(), mp_sync::RegionError>(())
            /// ```
            pub fn create(name: impl Into<mp_handle::Name>) -> Result<Self, mp_handle::RegionError> {
                let (name, len) = (name.into(), Self::len());
                let region = mp_handle::Region::create_named(&name, Self::KIND, 0, len, |_| ())?;
                Self::attach(region)
            }

            #[doc = concat!("Opens the ", $new, " that has the name.")]
            ///
            /// # Errors
            ///
            /// [`NotFound`](crate::RegionError::NotFound) if nothing has the name,
            /// [`Owner`](crate::RegionError::Owner) if it is another user's, and
            /// [`Kind`](crate::RegionError::Kind) if it is something else.
            pub fn open(name: impl Into<mp_handle::Name>) -> Result<Self, mp_handle::RegionError> {
                Self::attach(mp_handle::Region::open_named(&name.into(), Self::KIND, 0)?)
            }

            #[doc = concat!("Opens the ", $new, " that has the name, or creates it.")]
            ///
            /// # Errors
            ///
            /// Those of [`open`](Self::open) and [`create`](Self::create), but for the two that
            /// tell whether it exists.
            pub fn open_or_create(
                name: impl Into<mp_handle::Name>,
            ) -> Result<Self, mp_handle::RegionError> {
                let (name, len) = (name.into(), Self::len());
                let made =
                    mp_handle::Region::open_or_create_named(&name, Self::KIND, 0, len, |_| ())?;
                Self::attach(made.0)
            }
        }

        $crate::object::unlinks!($object);
    };
}

/// Gives an object `unlink`.
macro_rules! unlinks {
    ($object:ident) => {
        impl $object {
            /// Takes the name away; who has the object keeps it.
            ///
            /// # Errors
            ///
            /// [`NotFound`](crate::RegionError::NotFound) if nothing has the name, and the
            /// system's refusal.
            pub fn unlink(name: impl Into<mp_handle::Name>) -> Result<(), mp_handle::RegionError> {
                mp_handle::Region::unlink(name)
            }
        }
    };
}

pub(crate) use {named, travels, unlinks};
