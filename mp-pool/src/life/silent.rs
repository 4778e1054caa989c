//! Nobody is told anything.

use crate::events::Said;
use crate::insight::Track;
use crate::task_error::TaskError;

/// What has happened and was not told yet: nothing.
pub(crate) struct Life;

impl Life {
    pub(crate) fn new(_workers: usize) -> Self {
        Self
    }

    pub(crate) fn said(&mut self, _said: Vec<Said>) {}

    pub(crate) fn started(&mut self, _track: &Track) {}

    pub(crate) fn ready(&mut self, _track: &Track) {}

    pub(crate) fn ended(&mut self, _track: &Track) {}

    pub(crate) fn lost(&mut self, _index: usize, _error: &TaskError, _again: bool) {}

    pub(crate) fn broken(&mut self, _error: &TaskError) {}

    pub(crate) fn take(&mut self) -> Self {
        Self
    }

    pub(crate) fn tell(self) {}

    pub(crate) fn tell_end(self) {}
}
