//! One object of each kind for each region, however often its handle arrives in this process.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::io;
use std::os::fd::AsFd;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use mp_handle::{Region, RegionError};

/// A type, the file of a region, and a place in it: no other file has the same device and inode
/// while it is open.
type Key = (TypeId, u64, u64, usize);

#[derive(Default)]
struct Objects {
    known: HashMap<Key, Weak<dyn Any + Send + Sync>>,
    /// How many may be known before the dropped ones among them are forgotten.
    enough: usize,
}

static OBJECTS: LazyLock<Mutex<Objects>> = LazyLock::new(Mutex::default);

/// Returns the object that this process has for the place in the region, or makes it.
pub(crate) fn intern<T: Any + Send + Sync>(
    region: &Region,
    offset: usize,
    make: impl FnOnce() -> Result<T, RegionError>,
) -> Result<Arc<T>, RegionError> {
    let stat = rustix::fs::fstat(region.descriptor().as_fd()).map_err(io::Error::from)?;
    let key = (TypeId::of::<T>(), stat.st_dev, stat.st_ino, offset);
    let mut objects = OBJECTS.lock().unwrap_or_else(PoisonError::into_inner);
    let known = objects.known.get(&key).and_then(Weak::upgrade);
    if let Some(known) = known.and_then(|known| known.downcast().ok()) {
        return Ok(known);
    }
    let made = Arc::new(make()?);
    let weak: Weak<T> = Arc::downgrade(&made);
    objects.known.insert(key, weak);
    objects.forget_dropped();
    Ok(made)
}

impl Objects {
    /// Looks through all of them only when they have doubled, so that one costs little.
    fn forget_dropped(&mut self) {
        if self.known.len() > self.enough {
            self.known.retain(|_, object| object.strong_count() > 0);
            self.enough = 2 * self.known.len() + 16;
        }
    }
}
