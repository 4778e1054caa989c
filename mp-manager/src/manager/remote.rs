//! Managers that other programs reach, and that are reached.

use std::time::Duration;

use mp_handle::Parcel;
use mp_queue::connection::{Address, AuthKey};

use super::Manager;
use crate::connector::Connector;
use crate::error::ManagerError;
use crate::objects::FOREVER;
use crate::wire::{ANSWER_HEADER, Put, Reader, op};

impl Manager {
    /// Connects to a server of another program. See [`Builder::address`](crate::Builder::address).
    ///
    /// No function of this program can be sent there: the server calls those that it
    /// [allows](crate::Builder::allow), by name. What is made there travels to other processes as
    /// any proxy does, with the key.
    ///
    /// # Errors
    ///
    /// As [`Connector::connect`].
    pub fn connect(
        address: impl Into<Address>,
        key: impl Into<AuthKey>,
    ) -> Result<Self, ManagerError> {
        Self::connector(address).key(key).connect()
    }

    /// Begins a connection with options.
    pub fn connector(address: impl Into<Address>) -> Connector {
        Connector::new(address.into())
    }

    /// Returns where other programs find the server, if they do.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn address(&self) -> Result<Option<Address>, ManagerError> {
        if let Some(route) = self.link.origin().route() {
            return Ok(Some(route.address.clone()));
        }
        let answer = self.link.ask(op::ADDRESS, |_| {}, None)?;
        let mut fields = Reader::new(answer.get(ANSWER_HEADER..).unwrap_or_default());
        let encoded = Parcel::from_parts(fields.value()?.bytes.to_vec(), Vec::new());
        encoded.decode().map_err(ManagerError::Decode)
    }

    /// Waits until the server has ended.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn join(&self) -> Result<(), ManagerError> {
        self.join_within(FOREVER).map(drop)
    }

    /// Waits until the server has ended, but no longer than `timeout`; tells whether it has.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// mp_process::init();
    /// let manager = mp_manager::Manager::start()?;
    /// assert!(!manager.join_timeout(Duration::from_millis(1))?);
    /// manager.clone().shutdown();
    /// assert!(manager.join_timeout(Duration::from_millis(1))?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn join_timeout(&self, timeout: Duration) -> Result<bool, ManagerError> {
        self.join_within(u64::try_from(timeout.as_nanos()).unwrap_or(FOREVER))
    }

    fn join_within(&self, nanos: u64) -> Result<bool, ManagerError> {
        match self.link.ask(op::JOIN, |bytes| bytes.put_u64(nanos), None) {
            Ok(_) => Ok(false),
            Err(error) if error.is_server_lost() => Ok(true),
            Err(error) => Err(error),
        }
    }
}
