//! [`Route`]: the way to a server that other programs reach.

use std::fmt;

use mp_queue::connection::{Address, AuthKey};
use serde::{Deserialize, Serialize};

use super::key::Key;
use super::tls::Trust;
use crate::error::ManagerError;

/// Where a server is found, and what it takes to be let in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Route {
    pub(crate) address: Address,
    pub(crate) key: Key,
    /// Whom to trust, if nobody else is to read what is said.
    pub(crate) trust: Option<Trust>,
}

impl Route {
    /// A server at an internet address must have a key: nobody else says who its clients are.
    pub(crate) fn new(address: Address, key: Option<AuthKey>) -> Result<Self, ManagerError> {
        let key = key.map_or_else(Key::none, Key::from);
        if key.is_empty() && matches!(address, Address::Tcp(_)) {
            let reason = "a server at an internet address needs a key, and so do its clients";
            return Err(ManagerError::Misuse { reason: reason.into() });
        }
        Ok(Self { address, key, trust: None })
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}
