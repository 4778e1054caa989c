//! Requests that run a function of the user on one entry.

use std::sync::Arc;

use super::super::{Aide, Ran, Reply, Stored, call};
use super::Dict;
use crate::function::{Shim, Subject};
use crate::wire::Reader;

impl Dict {
    /// Lets a function change a value; `default` is what it changes where there is none.
    pub(super) fn update(
        &mut self,
        key: &[u8],
        default: Option<Stored>,
        shim: Shim,
        args: Reader<'_>,
        aide: &Arc<Aide>,
    ) -> Ran {
        let mut reply = Reply::default();
        let Some(value) = self.data.get(key).cloned().or(default) else {
            reply.flag(false);
            return Ok(reply);
        };
        let (subject, ran) = call(shim, aide, Subject::Value(value), args);
        let ran = ran?;
        if let Subject::Value(value) = subject {
            self.data.insert(key, value);
        }
        reply.flag(true);
        reply.bytes.extend_from_slice(&ran.bytes);
        reply.grants = ran.grants;
        Ok(reply)
    }

    pub(super) fn make(
        &mut self,
        key: &[u8],
        shim: Shim,
        args: Reader<'_>,
        aide: &Arc<Aide>,
    ) -> Ran {
        if self.data.get(key).is_none() {
            let (subject, ran) = call(shim, aide, Subject::Nothing, args);
            ran?;
            if let Subject::Value(value) = subject {
                self.data.insert(key, value);
            }
        }
        let mut reply = Reply::default();
        reply.optional(self.data.get(key));
        Ok(reply)
    }

    pub(super) fn pop_if(
        &mut self,
        key: &[u8],
        shim: Shim,
        args: Reader<'_>,
        aide: &Arc<Aide>,
    ) -> Ran {
        let mut reply = Reply::default();
        if let Some(value) = self.data.get(key).cloned() {
            let (_, ran) = call(shim, aide, Subject::Value(value), args);
            if ran?.bytes == [1] {
                reply.optional(self.data.remove(key).as_ref());
                return Ok(reply);
            }
        }
        reply.flag(false);
        Ok(reply)
    }
}
