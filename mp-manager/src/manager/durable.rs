//! Objects that outlive the server: which ones, and where they are kept.

use std::path::PathBuf;

use super::Manager;
use crate::builder::Builder;
use crate::client::{Reference, Request};
use crate::error::ManagerError;
use crate::objects::Kind;
use crate::proxies::{DictProxy, ListProxy};
use crate::server::Keep;
use crate::wire::{ANSWER_HEADER, Reader, SERVER, op};

/// What objects survive that are kept on disk, besides an orderly end of the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// Any end of the server, by SIGKILL too. After a crash of the system, or a loss of power, they
    /// are as they were at some earlier moment, within themselves and with each other.
    #[default]
    Kill,
    /// A crash of the system and a loss of power as well: before an answer leaves the server, the
    /// disk has said that it is written. All that clients ask in the meantime shares the next such
    /// write, and waits for it, whatever it asks for.
    PowerLoss,
}

impl Builder {
    /// Keeps the objects on disk that [`Manager::durable_dict`] and [`Manager::durable_list`] make,
    /// in a file at `path`, which is made if it is not there. They are there again when a server
    /// with the same path is started, however the last one ended: what a call has returned, or shown
    /// to anybody, is kept. Only one server at a time can have a file.
    ///
    /// The file is a database of SQLite, with a journal beside it. Of the embedded stores that are
    /// well kept it is the most tried, other tools can look into its file, and it brings few crates
    /// along. A commit that need not outlast the system costs it one write and no flush: 1.5 us with
    /// a row in it, on an idle machine with two processors, where one that outlasts a loss of power
    /// takes 230 us, and a busy disk makes that milliseconds. Of its rivals, redb has no mode of the
    /// first kind, since a kill takes back what it has not flushed; fjall is as fast, but brings five
    /// times as many crates, and leaves out in silence what is damaged in the middle of its journal.
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_manager::Manager;
    /// # let place = std::env::temp_dir().join(format!("mp-manager-doc-{}", std::process::id()));
    /// # let path = place.join("store");
    ///
    /// mp_process::init();
    /// # let _ = std::fs::remove_dir_all(&place);
    /// # std::fs::create_dir(&place)?;
    /// let manager = Manager::builder().persist(&path).start()?;
    /// let visits = manager.durable_dict::<String, u64>("visits")?;
    /// visits.upsert_with("home", &0, |count: &mut u64| *count += 1, ())?;
    /// manager.shutdown();
    ///
    /// let manager = Manager::builder().persist(&path).start()?;
    /// let visits = manager.durable_dict::<String, u64>("visits")?;
    /// assert_eq!(visits.get("home")?, Some(1));
    /// # manager.shutdown();
    /// # std::fs::remove_dir_all(&place)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "shelve")]
    pub fn persist(self, path: impl Into<PathBuf>) -> Self {
        self.persist_with(path, Durability::Kill)
    }

    /// As [`persist`](Self::persist), and says what the objects survive.
    pub fn persist_with(mut self, path: impl Into<PathBuf>, durability: Durability) -> Self {
        let path = path.into();
        // The server may be in another directory by then. Without one of its own, it stays as it is.
        let path = std::path::absolute(&path).unwrap_or(path);
        let survives_power_loss = durability == Durability::PowerLoss;
        self.keep = Some(Keep { path, survives_power_loss });
        self
    }
}

impl Manager {
    /// Returns the dict that is kept on disk under a name; makes it if there is none.
    ///
    /// Its values cannot contain proxies. It lives until [`forget_durable`](Self::forget_durable),
    /// whether there are proxies of it or not. The program that reads it may be a later build, if the
    /// types are the same for serde.
    ///
    /// # Errors
    ///
    /// [`ManagerError::Misuse`] if the server was not started with
    /// [`persist`](Builder::persist), or the name is a list's; [`ManagerError::NotKept`] if the store
    /// has failed; see [`ManagerError`] for others.
    pub fn durable_dict<K, V>(&self, name: &str) -> Result<DictProxy<K, V>, ManagerError> {
        self.durable(Kind::Dict, name).map(DictProxy::new)
    }

    /// Returns the list that is kept on disk under a name; makes it if there is none. See
    /// [`durable_dict`](Self::durable_dict).
    ///
    /// # Errors
    ///
    /// As [`durable_dict`](Self::durable_dict).
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_manager::{Durability, Manager};
    /// # let place = std::env::temp_dir().join(format!("mp-manager-list-{}", std::process::id()));
    /// # let path = place.join("store");
    ///
    /// mp_process::init();
    /// # let _ = std::fs::remove_dir_all(&place);
    /// # std::fs::create_dir(&place)?;
    /// let builder = || Manager::builder().persist_with(&path, Durability::PowerLoss);
    /// let manager = builder().start()?;
    /// manager.durable_list("orders")?.extend([3, 1, 2])?;
    /// manager.shutdown();
    ///
    /// let manager = builder().start()?;
    /// assert_eq!(manager.durable_list::<i32>("orders")?.snapshot()?, [3, 1, 2]);
    /// assert_eq!(manager.durable_names()?, ["orders"]);
    /// assert!(manager.forget_durable("orders")?);
    /// # manager.shutdown();
    /// # std::fs::remove_dir_all(&place)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn durable_list<T>(&self, name: &str) -> Result<ListProxy<T>, ManagerError> {
        self.durable(Kind::List, name).map(ListProxy::new)
    }

    fn durable(&self, kind: Kind, name: &str) -> Result<Reference, ManagerError> {
        Request::new(&self.link, SERVER, op::KEEP).byte(kind as u8).bytes(name.as_bytes()).create()
    }

    /// Keeps the object of a name no longer; returns whether there was one. Those who have proxies
    /// of it still use it, until the last one is dropped or the server ends.
    ///
    /// # Errors
    ///
    /// As [`durable_dict`](Self::durable_dict).
    pub fn forget_durable(&self, name: &str) -> Result<bool, ManagerError> {
        Request::new(&self.link, SERVER, op::DISCARD).bytes(name.as_bytes()).call()?.flag()
    }

    /// Returns the names of all objects that are kept on disk, in order.
    ///
    /// # Errors
    ///
    /// As [`durable_dict`](Self::durable_dict).
    pub fn durable_names(&self) -> Result<Vec<String>, ManagerError> {
        let answer = self.link.ask(op::KEPT, |_| {}, None)?;
        let mut fields = Reader::new(answer.get(ANSWER_HEADER..).unwrap_or_default());
        (0..fields.u64()?).map(|_| Ok(fields.text()?.to_owned())).collect()
    }
}
