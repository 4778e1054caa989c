//! [`View`]: a structure of atomics at a fixed place in a region.
#![allow(unsafe_code)]

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;

use super::{OutOfRegion, Region};

/// Types that may lie in memory which other processes write.
///
/// # Safety
///
/// The type consists of atomics only, all bit patterns are valid, it is `repr(C)` or a single
/// atomic, and its alignment is at most 64.
pub(crate) unsafe trait Shared: Send + Sync {}

// SAFETY: a single atomic, for which all bit patterns are valid.
unsafe impl Shared for AtomicU64 {}

/// A `T` inside a region, which the view keeps mapped.
pub(crate) struct View<T> {
    /// Inside the payload of `region`, for all of `T`, and aligned for it.
    place: NonNull<T>,
    region: Region,
    owns: PhantomData<fn() -> T>,
}

// SAFETY: a view gives access to a `Shared`, hence `Send` and `Sync`, and to a `Region`, which is
// both; the pointer is never changed.
unsafe impl<T: Shared> Send for View<T> {}
// SAFETY: as for `Send`.
unsafe impl<T: Shared> Sync for View<T> {}

impl<T: Shared> View<T> {
    /// Finds the `T` at `offset`.
    pub(crate) fn new(region: &Region, offset: usize) -> Result<View<T>, OutOfRegion> {
        let place = region.slot(offset, size_of::<T>(), align_of::<T>())?;
        let region = region.clone();
        // SAFETY: `slot` points into a mapping, and no mapping lies at address zero.
        let place = unsafe { NonNull::new_unchecked(place.cast()) };
        Ok(View { place, region, owns: PhantomData })
    }

    /// Returns the region that holds it.
    pub(crate) fn region(&self) -> &Region {
        &self.region
    }
}

impl<T: Shared> Deref for View<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: `place` is inside the region and aligned, by the field's invariant, and mapped
        // as long as `region` lives. A `Shared` may be changed by others while a reference
        // exists, and is valid whatever they write.
        unsafe { self.place.as_ref() }
    }
}

impl<T> Clone for View<T> {
    fn clone(&self) -> Self {
        View { place: self.place, region: self.region.clone(), owns: PhantomData }
    }
}

impl<T> fmt::Debug for View<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("View").field(&self.region).finish()
    }
}
