//! The connections of this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::link::Link;
use crate::error::ManagerError;
use crate::origin::Origin;
use crate::remote::Route;

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
    Ok(enter(Link::connect(origin, is_alive)?))
}

/// Connects to whichever server is at the end of a route, unless this process is connected to it.
pub(crate) fn call(route: &Route, patience: Duration) -> Result<Arc<Link>, ManagerError> {
    let is_there = |link: &&Arc<Link>| link.origin().route() == Some(route) && link.is_of_use();
    let known = links().as_ref().and_then(|links| links.values().find(is_there).cloned());
    match known {
        // Nobody may have noticed yet that its server is gone.
        Some(link) if link.is_answered() => Ok(link),
        _ => Ok(enter(Link::call(route, patience)?)),
    }
}

/// Makes a new connection known, unless another thread has been quicker.
fn enter(link: Arc<Link>) -> Arc<Link> {
    let mut links = links();
    let links = links.get_or_insert_default();
    // One that this process inherited from the one that forked it is replaced; its drop is left
    // undone, since it is not this process's to end.
    match links.get(link.origin()) {
        Some(other) if other.is_of_use() => Arc::clone(other),
        _ => {
            std::mem::forget(links.insert(link.origin().clone(), Arc::clone(&link)));
            link
        }
    }
}

fn known(origin: &Origin) -> Option<Arc<Link>> {
    let links = links();
    let link = links.as_ref()?.get(origin)?;
    link.is_of_use().then(|| Arc::clone(link))
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
