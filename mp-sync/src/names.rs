//! What has a name on this machine.

use mp_handle::{NamedRegion, Region, RegionError};

/// Lists the named objects of this machine, of all users and of all kinds, sorted by name.
///
/// # Errors
///
/// The system's error if the folder cannot be read.
///
/// # Examples
///
/// ```
/// use mp_sync::Event;
///
/// let name = format!("doc-named-{}", std::process::id());
/// let _event = Event::create(&name)?;
/// let found = mp_sync::named()?.into_iter().find(|object| object.name == name);
/// let kind = found.and_then(|object| object.kind);
/// assert_eq!(kind.map(|kind| kind.to_string()).as_deref(), Some("event"));
/// Event::unlink(&name)?;
/// # Ok::<(), mp_sync::RegionError>(())
/// ```
pub fn named() -> Result<Vec<NamedRegion>, RegionError> {
    Region::named()
}
