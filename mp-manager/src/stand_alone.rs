//! [`Server`]: a server that is the program.

use std::fmt;

use mp_queue::connection::Address;

use crate::error::ManagerError;
use crate::server::Ready;

/// A server that this process runs itself, made by [`Builder::server`](crate::Builder::server).
///
/// Programs can connect from now on; they are let in when it serves.
///
/// # Examples
///
/// ```
/// use mp_manager::Manager;
///
/// mp_process::init();
/// let server = Manager::builder().key("a long secret").server()?;
/// let address = server.address().cloned().expect("a port of the loopback interface");
/// let program = std::thread::spawn(move || server.serve_forever());
///
/// // In another program:
/// let manager = Manager::connect(address, "a long secret")?;
/// assert_eq!(manager.list::<u8>()?.len()?, 0);
/// manager.shutdown();
/// # program.join().unwrap()?;
/// # Ok::<(), mp_manager::ManagerError>(())
/// ```
#[must_use = "nobody is let in before `serve_forever`"]
pub struct Server {
    ready: Ready,
}

impl Server {
    pub(crate) fn new(ready: Ready) -> Self {
        Self { ready }
    }

    /// Returns where other programs find it, with the port that the system chose.
    #[must_use]
    pub fn address(&self) -> Option<&Address> {
        self.ready.address()
    }

    /// Serves until a client [shuts it down](crate::Manager::shutdown).
    ///
    /// # Errors
    ///
    /// The system refuses what it takes to serve, or the initializer panicked.
    pub fn serve_forever(self) -> Result<(), ManagerError> {
        self.ready.serve().map_err(|reason| ManagerError::NotStarted { reason })
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("address", &self.address()).finish_non_exhaustive()
    }
}
