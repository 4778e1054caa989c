//! [`View`]: a structure of atomics at a fixed place in a region.
#![allow(unsafe_code)]

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64};

use super::{OutOfRegion, Region};

/// Types that may lie in memory which other processes write.
///
/// # Safety
///
/// The type consists of atomics only, all bit patterns are valid, it is `repr(C)` or a single
/// atomic, and its alignment is at most 64.
pub unsafe trait Shared: Send + Sync {}

// SAFETY: a single atomic, for which all bit patterns are valid.
unsafe impl Shared for AtomicU32 {}
// SAFETY: as above.
unsafe impl Shared for AtomicU64 {}
// SAFETY: one behind the other without a gap, nothing but what is allowed.
unsafe impl<T: Shared, const N: usize> Shared for [T; N] {}

/// A structure of atomics inside a [`Region`], which the view keeps mapped.
///
/// # Examples
///
/// ```
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use mp_handle::{Kind, Region, View};
///
/// let region = Region::create(Kind::new(1000, "scores"), 0, 64)?;
/// let scores: View<[AtomicU32; 4]> = View::new(&region, 16)?;
/// scores[2].fetch_add(5, Ordering::Relaxed);
/// assert_eq!(region.atomic_u32(24)?.load(Ordering::Relaxed), 5);
/// assert!(View::<[AtomicU32; 4]>::new(&region, 56).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct View<T> {
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
    ///
    /// # Errors
    ///
    /// Fails if not all of it is inside the region, or `offset` not a multiple of its alignment.
    pub fn new(region: &Region, offset: usize) -> Result<View<T>, OutOfRegion> {
        let place = region.slot(offset, size_of::<T>(), align_of::<T>())?;
        let region = region.clone();
        // SAFETY: `slot` points into a mapping, and no mapping lies at address zero.
        let place = unsafe { NonNull::new_unchecked(place.cast()) };
        Ok(View { place, region, owns: PhantomData })
    }

    /// Returns the region that holds it.
    #[must_use]
    pub fn region(&self) -> &Region {
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
