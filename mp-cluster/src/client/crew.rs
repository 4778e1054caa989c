//! The agents that a client knows of.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::message::AgentBeat;

/// Who says nothing for so long is gone.
const SILENCE: Duration = Duration::from_secs(5);

/// The agents that a client knows of, and those of other builds by name.
#[derive(Debug, Default)]
pub(crate) struct Crew {
    agents: HashMap<(String, u32), (Instant, AgentBeat)>,
    others: HashMap<String, Instant>,
}

impl Crew {
    /// An agent of this build has said that it is there.
    pub(crate) fn hear(&mut self, beat: AgentBeat) {
        self.agents.insert((beat.host.clone(), beat.pid), (Instant::now(), beat));
    }

    /// One of another build has.
    pub(crate) fn hear_of(&mut self, build: &str) {
        self.others.insert(build.to_owned(), Instant::now());
    }

    /// Forgets those who have been silent.
    pub(crate) fn forget_silent(&mut self) {
        self.agents.retain(|_, (heard, _)| heard.elapsed() < SILENCE);
        self.others.retain(|_, heard| heard.elapsed() < SILENCE);
    }

    /// Those who take tasks.
    pub(crate) fn agents(&self) -> impl Iterator<Item = &AgentBeat> {
        let is_there =
            |(heard, beat): &&(Instant, AgentBeat)| heard.elapsed() < SILENCE && !beat.draining;
        self.agents.values().filter(is_there).map(|(_, beat)| beat)
    }

    /// How many tasks run at the same time.
    pub(crate) fn workers(&self) -> usize {
        self.agents().map(|beat| beat.workers).sum()
    }

    /// The names of the other builds whose agents are there, in short.
    pub(crate) fn other_builds(&self) -> Vec<String> {
        let mut names: Vec<_> = self.others.keys().map(|build| short(build)).collect();
        names.sort();
        names
    }
}

/// Enough of a build's name to tell it from others.
pub(crate) fn short(build: &str) -> String {
    build.chars().take(12).collect()
}
