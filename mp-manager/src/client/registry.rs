//! The connections of this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::link::Link;
use crate::error::ManagerError;
use crate::origin::Origin;

static LINKS: Mutex<Option<HashMap<Origin, Arc<Link>>>> = Mutex::new(None);

fn links() -> MutexGuard<'static, Option<HashMap<Origin, Arc<Link>>>> {
    LINKS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Finds the connection to a server, or makes it.
pub(crate) fn link_to(origin: &Origin) -> Result<Arc<Link>, ManagerError> {
    if let Some(link) = known(origin) {
        return Ok(link);
    }
    adopt(origin, || true).map_err(|error| match error {
        // Nobody listens there any more.
        ManagerError::System { .. } => ManagerError::ServerLost { server: origin.to_string() },
        other => other,
    })
}

/// Connects to a server for which `is_alive` says whether it is still worth waiting.
pub(crate) fn adopt(
    origin: &Origin,
    is_alive: impl FnMut() -> bool,
) -> Result<Arc<Link>, ManagerError> {
    let link = Link::connect(origin, is_alive)?;
    let mut links = links();
    let links = links.get_or_insert_default();
    // One that this process inherited from the one that forked it is replaced; its drop is left
    // undone, since it is not this process's to end.
    match links.get(origin) {
        Some(other) if other.is_of_this_process() && !other.is_lost() => Ok(Arc::clone(other)),
        _ => {
            std::mem::forget(links.insert(origin.clone(), Arc::clone(&link)));
            Ok(link)
        }
    }
}

fn known(origin: &Origin) -> Option<Arc<Link>> {
    let links = links();
    let link = links.as_ref()?.get(origin)?;
    (link.is_of_this_process() && !link.is_lost()).then(|| Arc::clone(link))
}

/// Forgets a connection that is lost.
pub(super) fn forget(link: &Link) {
    if !link.is_of_this_process() {
        return;
    }
    let gone = links().as_mut().and_then(|links| {
        let is_same = links.get(link.origin()).is_some_and(|other| std::ptr::eq(&**other, link));
        if is_same { links.remove(link.origin()) } else { None }
    });
    drop(gone);
}
