//! [`Key`]: the secret of a server, which travels with its proxies and with nothing else.

use std::fmt;
use std::hash::{Hash, Hasher};

use mp_handle::{Kind, Region};
use mp_queue::connection::AuthKey;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

const KIND: Kind = Kind::new(0x12, "manager key");

/// Longer ones are no keys.
const LIMIT: usize = 1 << 16;

/// What a server and its clients know. Without one, which is for sockets whose peers the system
/// knows, it is empty.
///
/// On its way to another process it is not among the bytes of the parcel but beside them, in
/// memory that only those have who get the parcel. So no other format takes it, nor does a server
/// keep it, whose clients could read it; and a server's value sends nobody to another server.
#[derive(Clone)]
pub(crate) struct Key(AuthKey);

impl Key {
    pub(crate) fn none() -> Self {
        Self(AuthKey::from(""))
    }

    pub(super) fn expose(&self) -> &[u8] {
        self.0.expose()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }
}

impl From<AuthKey> for Key {
    fn from(key: AuthKey) -> Self {
        Self(key)
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.expose().hash(state);
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes = self.expose();
        let region = Region::create(KIND, 0, bytes.len().max(1)).map_err(ser::Error::custom)?;
        region.write(0, bytes).map_err(ser::Error::custom)?;
        (region, bytes.len()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (region, len) = <(Region, usize)>::deserialize(deserializer)?;
        region.expect(KIND, 0).map_err(de::Error::custom)?;
        let mut bytes = Vec::new();
        region.read_to(0, len.min(LIMIT), &mut bytes).map_err(de::Error::custom)?;
        Ok(Self(AuthKey::from(bytes)))
    }
}
