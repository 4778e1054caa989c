//! Reading a large object bit by bit.

use std::fmt;
use std::vec;

use crate::error::ManagerError;

/// What is read at once, and where the next page begins; `None` if there is none.
pub(crate) type Page<T> = (Vec<T>, Option<u64>);

/// How the page behind a place is read.
type Read<T> = Box<dyn FnMut(u64) -> Result<Page<T>, ManagerError> + Send>;

/// An iterator over the items of a managed object, which are fetched in pages of about 256 KiB.
///
/// It is no snapshot: items that are inserted or removed meanwhile may be seen or not. Each other
/// one is seen once.
#[must_use = "nothing is fetched before it is asked for"]
pub struct Pages<T> {
    read: Read<T>,
    items: vec::IntoIter<T>,
    next: Option<u64>,
}

impl<T> Pages<T> {
    pub(super) fn new(
        read: impl FnMut(u64) -> Result<Page<T>, ManagerError> + Send + 'static,
    ) -> Self {
        Self { read: Box::new(read), items: Vec::new().into_iter(), next: Some(0) }
    }
}

impl<T> Iterator for Pages<T> {
    type Item = Result<T, ManagerError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(item) = self.items.next() {
                return Some(Ok(item));
            }
            match (self.read)(self.next.take()?) {
                Ok((items, next)) => {
                    self.items = items.into_iter();
                    self.next = next;
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").field("next", &self.next).finish_non_exhaustive()
    }
}
