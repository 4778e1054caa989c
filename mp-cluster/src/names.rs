//! What streams and subjects are called. Each name has the build in it: who is of another build
//! never sees a message.

use mp_process::BuildId;

use crate::message::ClientId;

/// The names that belong to one build.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    build: String,
}

/// The subject on which the agents of all builds say that they are there.
pub(crate) const AGENTS_OF_ALL: &str = "mp.*.agents";

impl Names {
    pub(crate) fn new(build: &BuildId) -> Self {
        Self { build: build.to_string() }
    }

    pub(crate) fn build(&self) -> &str {
        &self.build
    }

    /// The stream of tasks, each of which is there until it has been answered.
    pub(crate) fn tasks(&self) -> String {
        format!("MP_TASKS_{}", self.build)
    }

    /// The stream of results.
    pub(crate) fn results(&self) -> String {
        format!("MP_RESULTS_{}", self.build)
    }

    /// The store of what is too large for a message.
    pub(crate) fn store(&self) -> String {
        format!("MP_VALUES_{}", self.build)
    }

    /// The subject of the tasks of one lane, of all clients.
    pub(crate) fn tasks_of_lane(&self, lane: Lane) -> String {
        format!("mp.{}.task.{}.*", self.build, lane.name())
    }

    pub(crate) fn all_tasks(&self) -> String {
        format!("mp.{}.task.>", self.build)
    }

    pub(crate) fn tasks_of(&self, lane: Lane, client: ClientId) -> String {
        format!("mp.{}.task.{}.{client}", self.build, lane.name())
    }

    /// The subject of the tasks of a client on all lanes.
    pub(crate) fn all_tasks_of(&self, client: ClientId) -> String {
        format!("mp.{}.task.*.{client}", self.build)
    }

    pub(crate) fn all_results(&self) -> String {
        format!("mp.{}.result.>", self.build)
    }

    pub(crate) fn results_of(&self, client: ClientId) -> String {
        format!("mp.{}.result.{client}", self.build)
    }

    /// Where agents say that they are there.
    pub(crate) fn agents(&self) -> String {
        format!("mp.{}.agents", self.build)
    }

    /// Where clients ask agents to say so.
    pub(crate) fn hello(&self) -> String {
        format!("mp.{}.hello", self.build)
    }

    /// Where clients say that they are there.
    pub(crate) fn clients(&self) -> String {
        format!("mp.{}.clients", self.build)
    }

    /// Where clients say what they do not want any more.
    pub(crate) fn drops(&self) -> String {
        format!("mp.{}.drops", self.build)
    }

    /// Where agents tell a client what they have begun.
    pub(crate) fn begun(&self, client: ClientId) -> String {
        format!("mp.{}.begun.{client}", self.build)
    }
}

/// Tasks do not stand in line behind those of another lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Of a priority above zero.
    Urgent,
    Normal,
}

impl Lane {
    pub(crate) const ALL: [Self; 2] = [Self::Urgent, Self::Normal];

    pub(crate) fn of(priority: i32) -> Self {
        if priority > 0 { Self::Urgent } else { Self::Normal }
    }

    /// In a subject, and of the consumer.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Urgent => "urgent",
            Self::Normal => "normal",
        }
    }
}
