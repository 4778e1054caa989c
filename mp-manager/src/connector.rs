//! Connecting to a server of another program.

use std::time::Duration;

use mp_queue::connection::{Address, AuthKey};

use crate::client;
use crate::error::ManagerError;
use crate::manager::Manager;
use crate::remote::Route;

/// How to connect to a server of another program, from [`Manager::connector`].
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `connect`"]
pub struct Connector {
    address: Address,
    key: Option<AuthKey>,
    timeout: Duration,
    #[cfg(feature = "rustls")]
    trust: Option<crate::tls::Trust>,
}

impl Connector {
    pub(crate) fn new(address: Address) -> Self {
        Self {
            address,
            key: None,
            timeout: Duration::from_secs(10),
            #[cfg(feature = "rustls")]
            trust: None,
        }
    }

    /// Sets the key of the server. A server at a path may have none.
    #[doc(alias = "authkey")]
    pub fn key(mut self, key: impl Into<AuthKey>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Connects by TLS, and only to a server that is trusted so.
    #[cfg(feature = "rustls")]
    pub fn tls(mut self, trust: crate::tls::Trust) -> Self {
        self.trust = Some(trust);
        self
    }

    /// Sets how long each step of the connection may take; 10 seconds by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Connects, or finds the connection that this process has already.
    ///
    /// # Errors
    ///
    /// [`ManagerError::NotAdmitted`] if the server has another key, another version, or no place
    /// for one more; [`ManagerError::System`] if nobody listens there.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use mp_manager::Manager;
    ///
    /// mp_process::init();
    /// let path = std::env::temp_dir().join(format!("mp-doc-{}", std::process::id())).join("socket");
    /// let manager = Manager::builder().address(path.clone()).start()?;
    /// let remote = Manager::connector(path).timeout(Duration::from_secs(30)).connect()?;
    /// assert_eq!(remote.pid(), manager.pid());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn connect(self) -> Result<Manager, ManagerError> {
        let route = Route::new(self.address, self.key)?;
        #[cfg(feature = "rustls")]
        let route = Route { trust: self.trust, ..route };
        client::call(&route, self.timeout).map(Manager::over)
    }
}
