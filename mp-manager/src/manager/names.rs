//! Names for objects, under which other programs find them.

use super::Manager;
use crate::client::Reference;
use crate::error::ManagerError;
use crate::published::Publish;
use crate::published::sealed::Grip;
use crate::wire::{ANSWER_HEADER, Put, Reader, op};

impl Manager {
    /// Publishes an object under a name, so that programs [find](Self::find) it which were not
    /// given a proxy. It lives as long as it is published.
    ///
    /// # Errors
    ///
    /// [`ManagerError::AlreadyPublished`] if the name stands for something else; see
    /// [`ManagerError`] for others.
    #[doc(alias = "register")]
    pub fn publish<P: Publish>(&self, name: &str, proxy: &P) -> Result<(), ManagerError> {
        let Grip(reference) = proxy.grip();
        if !reference.is_of(&self.link) {
            let reason = "the object is one of another server".into();
            return Err(ManagerError::Misuse { reason });
        }
        let write = |bytes: &mut Vec<u8>| {
            bytes.put_bytes(name.as_bytes());
            bytes.put_bytes(P::description().as_bytes());
            bytes.put_u64(reference.id());
        };
        self.link.ask(op::PUBLISH, write, None).map(drop)
    }

    /// Takes back what was published under a name.
    ///
    /// # Errors
    ///
    /// [`ManagerError::NotPublished`] if there is nothing; see [`ManagerError`] for others.
    pub fn unpublish(&self, name: &str) -> Result<(), ManagerError> {
        let write = |bytes: &mut Vec<u8>| bytes.put_bytes(name.as_bytes());
        self.link.ask(op::UNPUBLISH, write, None).map(drop)
    }

    /// Finds what was published under a name.
    ///
    /// # Errors
    ///
    /// [`ManagerError::NotPublished`] if there is nothing, [`ManagerError::WrongType`] if it was
    /// published as something else; see [`ManagerError`] for others.
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_manager::{DictProxy, ListProxy, Manager, ManagerError};
    ///
    /// mp_process::init();
    /// let manager = Manager::start()?;
    /// manager.publish("ages", &manager.dict::<String, u8>()?)?;
    ///
    /// let ages: DictProxy<String, u8> = manager.find("ages")?;
    /// ages.set("Ann", &30)?;
    /// let wrong: Result<DictProxy<String, String>, _> = manager.find("ages");
    /// assert_eq!(
    ///     wrong.unwrap_err().to_string(),
    ///     "the object is of another type: \"ages\" is a DictProxy<String, u8>, \
    ///      not a DictProxy<String, String>",
    /// );
    /// let nothing: Result<ListProxy<u8>, _> = manager.find("names");
    /// assert!(matches!(nothing, Err(ManagerError::NotPublished { .. })));
    /// # Ok::<(), ManagerError>(())
    /// ```
    pub fn find<P: Publish>(&self, name: &str) -> Result<P, ManagerError> {
        let write = |bytes: &mut Vec<u8>| bytes.put_bytes(name.as_bytes());
        let answer = self.link.ask(op::FIND, write, None)?;
        let mut fields = Reader::new(answer.get(ANSWER_HEADER..).unwrap_or_default());
        let (theirs, ours) = (fields.text()?, P::description());
        let reference = Reference::granted(&self.link, fields.u64()?);
        if theirs != ours {
            let reason = format!("{name:?} is a {theirs}, not a {ours}");
            return Err(ManagerError::WrongType { reason });
        }
        Ok(P::from_grip(Grip(reference)))
    }

    /// Lists the names under which something is published, in alphabetical order.
    ///
    /// # Errors
    ///
    /// See [`ManagerError`].
    pub fn published(&self) -> Result<Vec<String>, ManagerError> {
        let answer = self.link.ask(op::PUBLISHED, |_| {}, None)?;
        let mut fields = Reader::new(answer.get(ANSWER_HEADER..).unwrap_or_default());
        (0..fields.u64()?).map(|_| Ok(fields.text()?.to_owned())).collect()
    }
}
