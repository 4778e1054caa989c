//! [`Cells`]: elements of one type in a region.
//!
//! ```text
//! 0        64         128                                         whole pages
//! | header | preface  | extra | elements, aligned to 64 ... | ... | lock |
//! ```
//!
//! The preface says how many elements there are. What an object keeps beside them is its extra.
//! Elements that are guarded by a lock of their own have it at the end of the last page.
#![allow(unsafe_code)]

use std::ptr::NonNull;
use std::slice;

use mp_handle::{Kind, Name, Region, RegionError};
use mp_sync::Lock;
use rustix::param::page_size;

use crate::data::{Data, Plain};
use crate::error::AccessError;

/// The region's own header.
pub(crate) const HEADER: usize = 64;
/// The number of elements, and room.
const PREFACE: usize = 64;
/// Where the extra begins, in the payload.
pub(crate) const EXTRA: usize = PREFACE;

/// What the cells of an object are like.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) kind: Kind,
    /// The bytes of the extra, a multiple of 64.
    pub(crate) extra: usize,
    /// Whether there is room for a lock at the end of the last page.
    pub(crate) lock: bool,
}

/// Elements of one type in shared memory.
pub(crate) struct Cells<T> {
    elements: NonNull<T>,
    count: usize,
    region: Region,
}

// SAFETY: elements are reached only by pointers, and `Data` is `Send` and `Sync`; a region is too.
unsafe impl<T: Data> Send for Cells<T> {}
// SAFETY: as above.
unsafe impl<T: Data> Sync for Cells<T> {}

impl<T: Data> Cells<T> {
    /// Creates `count` cells, all bytes zero.
    pub(crate) fn create(shape: Shape, count: usize) -> Result<Cells<T>, RegionError> {
        let region = Region::create(shape.kind, T::FINGERPRINT, shape.payload::<T>(count)?)?;
        region.write(0, &(count as u64).to_ne_bytes())?;
        Cells::attach(shape, region)
    }

    /// Creates `count` cells with a name; `fill` gets them before anybody else.
    pub(crate) fn create_named(
        name: &Name,
        shape: Shape,
        count: usize,
        fill: impl FnOnce(&Cells<T>),
    ) -> Result<Cells<T>, RegionError> {
        let len = shape.payload::<T>(count)?;
        let region = Region::create_named(name, shape.kind, T::FINGERPRINT, len, |region| {
            let counted = region.write(0, &(count as u64).to_ne_bytes());
            if let (Ok(()), Ok(cells)) = (counted, Cells::attach(shape, region.clone())) {
                fill(&cells);
            }
        })?;
        Cells::attach(shape, region)
    }

    /// Opens the cells that have the name.
    pub(crate) fn open(name: &Name, shape: Shape) -> Result<Cells<T>, RegionError> {
        Cells::attach(shape, Region::open_named(name, shape.kind, T::FINGERPRINT)?)
    }

    /// Finds the cells in a region that came from elsewhere.
    pub(crate) fn attach(shape: Shape, region: Region) -> Result<Cells<T>, RegionError> {
        region.expect(shape.kind, T::FINGERPRINT)?;
        let mut count = [0; 8];
        region.read(0, &mut count)?;
        let count = u64::from_ne_bytes(count);
        // The count is a peer's word; the size is not.
        let fits = |count: &usize| shape.payload::<T>(*count).is_ok_and(|len| len == region.len());
        let wrong = RegionError::Length { stated: count, size: region.len() as u64 };
        let count = usize::try_from(count).ok().filter(fits).ok_or(wrong)?;
        let elements = region.as_ptr().wrapping_add(EXTRA + shape.extra);
        let elements = NonNull::new(elements.cast()).ok_or(RegionError::NotMemory)?;
        Ok(Cells { elements, count, region })
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn region(&self) -> &Region {
        &self.region
    }

    /// Returns the place of the first element: aligned, and good for `count` of them as long as
    /// the cells live.
    pub(crate) fn elements(&self) -> *mut T {
        self.elements.as_ptr()
    }

    /// Copies an element out, and checks that it is one.
    pub(crate) fn read(&self, index: usize) -> Result<T, AccessError> {
        let place = self.place(index)?;
        // SAFETY: the place is that of an element, and any bytes are valid `Bits`. Others who
        // hold no lock may write meanwhile, which the caller's documentation excludes.
        let bits = unsafe { place.cast::<T::Bits>().read() };
        if !T::is_valid_bit_pattern(&bits) {
            return Err(AccessError::Invalid { type_name: std::any::type_name::<T>() });
        }
        // SAFETY: `T` has the layout of its `Bits`, and these are valid, by bytemuck's contract.
        Ok(unsafe { (&raw const bits).cast::<T>().read() })
    }

    /// Copies an element in.
    pub(crate) fn write(&self, index: usize, value: T) -> Result<(), AccessError> {
        let place = self.place(index)?;
        // SAFETY: as in `read`.
        unsafe { place.write(value) };
        Ok(())
    }

    /// Copies elements in, as many as there is room for.
    pub(crate) fn fill(&self, values: &[T]) {
        let count = values.len().min(self.count);
        // SAFETY: so many elements lie there, and the values are private memory.
        unsafe { self.elements().copy_from_nonoverlapping(values.as_ptr(), count) };
    }

    /// Returns the place of an element.
    pub(crate) fn place(&self, index: usize) -> Result<*mut T, AccessError> {
        if index >= self.count {
            return Err(AccessError::OutOfBounds { index, len: self.count });
        }
        // SAFETY: an index below the count is that of an element inside the mapping.
        Ok(unsafe { self.elements().add(index) })
    }

    /// Gives access to elements in place.
    ///
    /// # Safety
    ///
    /// The elements `start..start + len` exist, and nobody writes them as long as this borrows.
    pub(crate) unsafe fn slice(&self, start: usize, len: usize) -> &[T]
    where
        T: Plain,
    {
        // SAFETY: by the contract; they are valid whatever their bytes.
        unsafe { slice::from_raw_parts(self.elements().add(start), len) }
    }

    /// Gives access to elements in place, to change them.
    ///
    /// # Safety
    ///
    /// The elements `start..start + len` exist, and nobody else reads or writes them meanwhile.
    #[allow(clippy::mut_from_ref, reason = "whoever calls this has shown that it is the only one")]
    pub(crate) unsafe fn slice_mut(&self, start: usize, len: usize) -> &mut [T]
    where
        T: Plain,
    {
        // SAFETY: by the contract; they are valid whatever their bytes.
        unsafe { slice::from_raw_parts_mut(self.elements().add(start), len) }
    }
}

impl Shape {
    /// Returns the payload bytes of a region with `count` elements; with a lock in whole pages.
    fn payload<T: Data>(self, count: usize) -> Result<usize, RegionError> {
        const { assert!(align_of::<T>() <= 64, "shared data is aligned to 64 bytes at most") };
        const { assert!(size_of::<T>() > 0, "shared data has at least one byte") };
        let too_large = RegionError::TooLarge { len: count.saturating_mul(size_of::<T>()) };
        let size = count.checked_mul(size_of::<T>());
        let end = size.and_then(|size| size.checked_add(EXTRA + self.extra));
        let len = if self.lock {
            let file = end.and_then(|end| end.checked_add(HEADER + Lock::SIZE));
            file.and_then(|file| file.checked_next_multiple_of(page_size())).map(|f| f - HEADER)
        } else {
            end
        };
        len.ok_or(too_large)
    }
}
