//! [`ShareableList`]: a list of fixed length in shared memory, of Python's layout.
//!
//! Files: `item` is what may be in a list; `layout` is where things lie; `format` is how an item
//! says what it is; `error` is why an operation failed.
//!
//! Nothing in the memory is trusted. Of the layout, what concerns the whole list is checked when it
//! is opened and then kept in private memory; offsets, formats and codes are checked each time.

mod error;
mod format;
mod item;
mod layout;

use std::fmt;

use mp_handle::{Name, RegionError};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use error::ListError;
pub use item::Item;

use crate::segment::{SharedMemory, with_unique_name};
use format::Format;
use layout::{Layout, image};

/// A list of numbers, texts and bytes whose length is fixed, and whose items are not: each may
/// be replaced by another of any sort, as long as it fits into the place of the first.
///
/// A Python program opens it by name as its own `ShareableList`, and the other way round (from
/// Python 3.9 on; the layout before was another). There is no lock: an item is read as a copy, and
/// one read while somebody replaces it may be a mixture, or an error. If that can happen, share a
/// [`Lock`](mp_sync::Lock) too.
///
/// # Together with Python
///
/// What this library writes, it reads back exactly: any Unicode, and zero bytes at the end. That
/// is done by formats that Python understands too, without its faults. Still Python (all versions
/// to 3.15)
///
/// - returns what this library wrote without the zero bytes at its end;
/// - gives a text as many bytes as it has characters, so a text with others than ASCII may be cut
///   off when Python creates the list; here that gives [`NotText`](ListError::NotText), with the
///   bytes that are left;
/// - writes a text or bytes into its place without their length, so that zero bytes at their end
///   are lost here too.
///
/// A list with a name is subject to what [`SharedMemory`] says of Python's way with names.
///
/// # Examples
///
/// ```
/// use mp_process::spawn;
/// use mp_shm::{Item, ListError, ShareableList};
///
/// fn rename(list: ShareableList) -> Result<(), String> {
///     list.set(0, "größer").map_err(|error| error.to_string())
/// }
///
/// # mp_process::init();
/// let list = ShareableList::new([Item::from("kleiner"), Item::from(17), Item::None])?;
/// spawn(rename, (list.clone(),))?.join()?.unwrap();
/// assert_eq!(list.get(0)?, Item::from("größer"));
///
/// let too_long = list.set(0, "am allergrößten").unwrap_err();
/// assert_eq!(too_long.to_string(), "17 bytes do not fit into the 8 of item 0");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: CPython's `multiprocessing.shared_memory.ShareableList`.
#[derive(Clone)]
pub struct ShareableList {
    memory: SharedMemory,
    layout: Layout,
}

impl ShareableList {
    /// Creates a list without a name.
    ///
    /// Each item gets a place of 8 bytes; a text or bytes the next multiple of 8 above its length.
    ///
    /// # Errors
    ///
    /// [`TooLarge`](ListError::TooLarge) if a text or bytes has more than 999,999 bytes, for which
    /// Python's layout has no room, and [`Region`](ListError::Region) for those of
    /// [`SharedMemory::new`].
    pub fn new<T: Into<Item>>(
        items: impl IntoIterator<Item = T>,
    ) -> Result<ShareableList, ListError> {
        let image = image(items)?;
        let memory = SharedMemory::new(image.len())?;
        memory.write(0, &image)?;
        ShareableList::attach(memory)
    }

    /// Creates a list with a name, which lives until it is [unlinked](Self::unlink).
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new) and [`SharedMemory::create`].
    pub fn create<T: Into<Item>>(
        name: impl Into<Name>,
        items: impl IntoIterator<Item = T>,
    ) -> Result<ShareableList, ListError> {
        ShareableList::attach(SharedMemory::create_from(name, &image(items)?)?)
    }

    /// Creates a list under a new name of Python's sort.
    ///
    /// # Errors
    ///
    /// Those of [`create`](Self::create).
    pub fn create_unique<T: Into<Item>>(
        items: impl IntoIterator<Item = T>,
    ) -> Result<ShareableList, ListError> {
        let image = image(items)?;
        let memory = with_unique_name(|name| SharedMemory::create_from(name, &image))?;
        ShareableList::attach(memory)
    }

    /// Opens the list that has the name.
    ///
    /// # Errors
    ///
    /// [`NotAList`](ListError::NotAList) if it is something else, and
    /// [`Region`](ListError::Region) for those of [`SharedMemory::open`].
    pub fn open(name: impl Into<Name>) -> Result<ShareableList, ListError> {
        ShareableList::attach(SharedMemory::open(name)?)
    }

    /// Opens the list that has the name, to be read only.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open).
    pub fn open_read_only(name: impl Into<Name>) -> Result<ShareableList, ListError> {
        ShareableList::attach(SharedMemory::open_read_only(name)?)
    }

    /// Finds the list in memory that came from elsewhere.
    ///
    /// # Errors
    ///
    /// [`NotAList`](ListError::NotAList) if there is something else.
    pub fn attach(memory: SharedMemory) -> Result<ShareableList, ListError> {
        let layout = Layout::read(&memory)?;
        Ok(ShareableList { memory, layout })
    }

    /// Takes the name away; who has the list keeps it.
    ///
    /// # Errors
    ///
    /// Those of [`SharedMemory::unlink`].
    pub fn unlink(name: impl Into<Name>) -> Result<(), RegionError> {
        SharedMemory::unlink(name)
    }

    /// Returns the memory in which the list is.
    #[must_use]
    #[doc(alias = "shm")]
    pub fn memory(&self) -> &SharedMemory {
        &self.memory
    }

    /// Returns the number of items, which never changes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.layout.len()
    }

    /// Tells whether there are no items.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns a copy of the item at `index`.
    ///
    /// # Errors
    ///
    /// [`OutOfBounds`](ListError::OutOfBounds) if there is none,
    /// [`NotText`](ListError::NotText) if it is a text that Python cut off inside a character, and
    /// [`Corrupt`](ListError::Corrupt) if what is there makes no sense.
    pub fn get(&self, index: usize) -> Result<Item, ListError> {
        let place = self.layout.place(&self.memory, index)?;
        let (format, code) = self.layout.mark(&self.memory, index)?;
        let corrupt = ListError::Corrupt { index };
        let Some(format) = Format::parse(&format) else { return Err(corrupt) };
        let size = format.size();
        if size > place.len() {
            return Err(corrupt);
        }
        let mut bytes = vec![0; size];
        self.memory.read(place.start, &mut bytes)?;
        item::decode(format, code, bytes, place.len(), index)
    }

    /// Replaces the item at `index`.
    ///
    /// # Errors
    ///
    /// [`OutOfBounds`](ListError::OutOfBounds) if there is none,
    /// [`TooLong`](ListError::TooLong) and [`TooLarge`](ListError::TooLarge) if the new one does
    /// not fit, and [`Segment`](ListError::Segment) if the list is read-only. The old one is still
    /// there then.
    pub fn set(&self, index: usize, item: impl Into<Item>) -> Result<(), ListError> {
        let item = item.into();
        let place = self.layout.place(&self.memory, index)?;
        let encoded = item::encode(&item)?;
        if encoded.bytes.len() > place.len() {
            return Err(ListError::TooLong { index, len: encoded.bytes.len(), room: place.len() });
        }
        self.memory.write(place.start, &encoded.bytes)?;
        self.layout.set_mark(&self.memory, index, &encoded.format.to_bytes(), encoded.code)
    }

    /// Returns how many bytes a text at `index` can have.
    ///
    /// # Errors
    ///
    /// [`OutOfBounds`](ListError::OutOfBounds) and [`Corrupt`](ListError::Corrupt).
    pub fn room(&self, index: usize) -> Result<usize, ListError> {
        Ok(self.layout.place(&self.memory, index)?.len())
    }

    /// Goes through copies of the items.
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_shm::{Item, ShareableList};
    ///
    /// let list = ShareableList::new([3, 1, 2])?;
    /// let items: Vec<Item> = list.iter().collect::<Result<_, _>>()?;
    /// assert_eq!(items, [3, 1, 2].map(Item::from));
    /// # Ok::<(), mp_shm::ListError>(())
    /// ```
    pub fn iter(
        &self,
    ) -> impl DoubleEndedIterator<Item = Result<Item, ListError>> + ExactSizeIterator + '_ {
        (0..self.len()).map(|index| self.get(index))
    }

    /// Returns how many items are equal to the given one. Unlike Python's they are so only if they
    /// are of the same sort: 1 is not 1.0, and neither is `true`.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get).
    pub fn count(&self, item: impl Into<Item>) -> Result<usize, ListError> {
        let item = item.into();
        self.iter().try_fold(0, |count, other| Ok(count + usize::from(other? == item)))
    }

    /// Returns the index of the first item that is equal to the given one.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get).
    pub fn index(&self, item: impl Into<Item>) -> Result<Option<usize>, ListError> {
        let item = item.into();
        for (index, other) in self.iter().enumerate() {
            if other? == item {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }
}

impl Serialize for ShareableList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.memory.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ShareableList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ShareableList, D::Error> {
        let memory = SharedMemory::deserialize(deserializer)?;
        ShareableList::attach(memory).map_err(serde::de::Error::custom)
    }
}

impl fmt::Debug for ShareableList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShareableList")
            .field("name", &self.memory.name())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
