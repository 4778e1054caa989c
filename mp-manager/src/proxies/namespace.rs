//! [`NamespaceProxy`]: attributes of any types, by name.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{DictProxy, Marker, proxy};
use crate::client::Reference;
use crate::error::ManagerError;

/// Named values of any types on a manager's server.
///
/// # Examples
///
/// ```
/// mp_process::init();
/// let manager = mp_manager::Manager::start()?;
/// let settings = manager.namespace()?;
/// settings.set("threads", &4)?;
/// settings.set("title", "a job")?;
/// assert_eq!(settings.get("threads")?, Some(4));
/// assert_eq!(settings.get::<String>("title")?.as_deref(), Some("a job"));
/// assert_eq!(settings.get::<u8>("absent")?, None);
/// assert_eq!(settings.names()?, ["threads", "title"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct NamespaceProxy {
    reference: Reference,
    marker: Marker<()>,
}

proxy!(NamespaceProxy);

/// A value that is not looked at.
#[derive(serde::Serialize)]
struct Unseen;

impl<'de> serde::Deserialize<'de> for Unseen {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

impl NamespaceProxy {
    fn dict<T>(&self) -> DictProxy<String, T> {
        DictProxy::new(self.reference.clone())
    }

    /// Returns the value of a name.
    ///
    /// # Errors
    ///
    /// [`ManagerError::Decode`] if it is of another type; see [`ManagerError`] for others.
    #[doc(alias = "__getattr__")]
    pub fn get<T: Serialize + DeserializeOwned>(
        &self,
        name: &str,
    ) -> Result<Option<T>, ManagerError> {
        self.dict().get(name)
    }

    /// Sets the value of a name.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    #[doc(alias = "__setattr__")]
    pub fn set<T: Serialize + ?Sized>(&self, name: &str, value: &T) -> Result<(), ManagerError> {
        let request = self.reference.request(crate::objects::dict_op::SET);
        request.value(name)?.value(value)?.call().map(drop)
    }

    /// Removes a name; tells whether it was there.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    #[doc(alias = "__delattr__")]
    pub fn remove(&self, name: &str) -> Result<bool, ManagerError> {
        Ok(self.dict::<Unseen>().remove_many::<String>([name.to_owned()])? == 1)
    }

    /// Returns all names, in the order in which they were set first.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn names(&self) -> Result<Vec<String>, ManagerError> {
        self.dict::<Unseen>().keys()
    }
}
