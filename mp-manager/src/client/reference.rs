//! What all proxies hold: one reference of this process to an object.
//!
//! On its way to another process a reference is the address of the server, the number of the
//! object, and a lease: the writing end of a pipe whose reading end the server has. The kernel
//! keeps that open as long as the parcel exists, wherever it is, and the server keeps the object as
//! long. The receiver claims a reference of its own while it still has the parcel. So a proxy may
//! wait in a queue for years, and one in a parcel that is thrown away leaves nothing behind.

use std::fmt;
use std::sync::Arc;

use mp_handle::Descriptor;
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::link::Link;
use super::registry::link_to;
use super::request::Request;
use crate::error::ManagerError;
use crate::nesting;
use crate::origin::Origin;
use crate::wire::ObjectId;

/// A reference to an object; clones share it.
#[derive(Clone)]
pub(crate) struct Reference {
    inner: Arc<Inner>,
}

struct Inner {
    link: Arc<Link>,
    id: ObjectId,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.link.release(self.id);
    }
}

/// A reference on its way.
#[derive(Serialize, Deserialize)]
enum Travelling {
    /// Inside a value of the same server.
    Named(ObjectId),
    Leased {
        origin: Origin,
        id: ObjectId,
        lease: Descriptor,
    },
}

impl Reference {
    /// Takes over a reference that the server has noted already.
    pub(crate) fn granted(link: &Arc<Link>, id: ObjectId) -> Self {
        Self { inner: Arc::new(Inner { link: Arc::clone(link), id }) }
    }

    fn claim(origin: &Origin, id: ObjectId) -> Result<Self, ManagerError> {
        let link = link_to(origin)?;
        link.claim(id)?;
        Ok(Self::granted(&link, id))
    }

    pub(crate) fn request(&self, op: u8) -> Request<'_> {
        Request::new(&self.inner.link, self.inner.id, op)
    }

    pub(crate) fn id(&self) -> ObjectId {
        self.inner.id
    }

    /// Tells whether the object is one of the server at the other end of the connection.
    pub(crate) fn is_of(&self, link: &Link) -> bool {
        self.inner.link.origin().server() == link.origin().server()
    }

    /// Which server has the object, in words.
    #[cfg(feature = "pool")]
    pub(crate) fn host(&self) -> String {
        self.inner.link.origin().to_string()
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.inner.id == other.inner.id
            && self.inner.link.origin().server() == other.inner.link.origin().server()
    }

    fn depart(&self) -> Result<Travelling, ManagerError> {
        let Inner { link, id } = &*self.inner;
        if nesting::name(link.origin().server(), *id) {
            return Ok(Travelling::Named(*id));
        }
        let lease = link.lease(*id)?;
        Ok(Travelling::Leased { origin: link.origin().clone(), id: *id, lease })
    }

    fn arrive(travelling: &Travelling) -> Result<Self, ManagerError> {
        match travelling {
            Travelling::Leased { origin, id, .. } => Self::claim(origin, *id),
            Travelling::Named(id) => match nesting::take(*id) {
                Some((origin, true)) => Ok(Self::granted(&link_to(&origin)?, *id)),
                Some((origin, false)) => Self::claim(&origin, *id),
                None => Err(ManagerError::Protocol { what: "a proxy without its server" }),
            },
        }
    }
}

impl Serialize for Reference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.depart().map_err(S::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let travelling = Travelling::deserialize(deserializer)?;
        Self::arrive(&travelling).map_err(D::Error::custom)
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "object {} of {}", self.inner.id, self.inner.link.origin())
    }
}
