//! What stands in for TLS where it is not built in: types of which there is no value.

use std::io;

use serde::{Deserialize, Serialize};

use crate::error::ManagerError;

/// What a server would show.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Identity {}

/// Whom a client would trust.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Trust {}

#[derive(Clone)]
pub(crate) enum Acceptor {}

pub(super) enum Tls {}

impl Acceptor {
    pub(crate) fn new(identity: &Identity) -> Result<Self, ManagerError> {
        match *identity {}
    }

    pub(super) fn accept(&self) -> Result<Tls, ManagerError> {
        match *self {}
    }
}

impl Tls {
    pub(super) fn call(trust: &Trust) -> Result<Self, ManagerError> {
        match *trust {}
    }

    pub(super) fn open(&mut self, _: &[u8], _: &mut Vec<u8>) -> io::Result<()> {
        match *self {}
    }

    pub(super) fn seal(&mut self, _: &[&[u8]], _: &mut Vec<u8>) -> io::Result<()> {
        match *self {}
    }

    pub(super) fn is_ready(&self) -> bool {
        match *self {}
    }

    pub(super) fn binding(&self) -> io::Result<[u8; 32]> {
        match *self {}
    }
}
