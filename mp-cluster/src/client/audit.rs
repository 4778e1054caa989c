//! Looking every second whether all is as it should be: whether a server and agents are there, and
//! whether somebody has each chunk that has no result.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::stream::Info;
use futures_util::TryStreamExt;
use mp_pool::TaskErrorKind;
use tokio::time::{MissedTickBehavior, interval};

use super::{Core, short};
use crate::config::ADDRESS;
use crate::error::ClusterError;
use crate::message::{self, ClientBeat};

const TICK: Duration = Duration::from_secs(1);

/// After how many ticks without a result the servers are asked what they have.
const QUIET: u32 = 2;

/// What the last looks have shown.
#[derive(Debug, Default)]
struct Auditor {
    /// How many chunks had ended.
    ended: u64,
    /// For how many ticks none has.
    quiet: u32,
    /// For how long there has been no agent, and no server. A process that was stopped meanwhile
    /// has missed ticks, not agents: so they are counted.
    without_agent: Duration,
    without_server: Duration,
    /// The stream of tasks, at the last look.
    stream: Option<Info>,
    /// The last look found nothing of this client there.
    is_missing: bool,
    /// How many connections there were.
    connections: u64,
}

/// Looks every second, for as long as the client lives.
pub(super) async fn run(core: Arc<Core>) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut auditor = Auditor::default();
    loop {
        ticks.tick().await;
        core.beat().await;
        auditor.look(&core).await;
        core.tidy().await;
    }
}

impl Auditor {
    async fn look(&mut self, core: &Arc<Core>) {
        let (ended, is_idle) = {
            let table = core.table();
            (table.ended, table.is_empty())
        };
        self.note_absence(core, is_idle);
        let has_moved = std::mem::replace(&mut self.ended, ended) != ended;
        self.quiet = if has_moved || is_idle { 0 } else { self.quiet + 1 };
        if has_moved || is_idle {
            self.is_missing = false;
        }
        let connections = core.link.health.borrow().connections;
        let is_new = std::mem::replace(&mut self.connections, connections) != connections;
        if !is_idle && (is_new || self.quiet >= QUIET) && core.link.is_connected() {
            self.quiet = 0;
            self.ask_server(core).await;
        }
    }

    /// Asks the server what it has of this client; what it does not have goes out again.
    async fn ask_server(&mut self, core: &Arc<Core>) {
        let Ok((info, count)) = core.count_tasks().await else { return };
        let before = self.stream.replace(info);
        let is_other = match (&before, &self.stream) {
            (Some(before), Some(now)) => before.created != now.created,
            _ => false,
        };
        let sent = core.table().iter().filter(|(_, it)| it.sequence.is_some()).count();
        let is_missing = count == 0 && sent > 0;
        // One look may come between the last acknowledgment and its result.
        let was_missing = std::mem::replace(&mut self.is_missing, is_missing);
        if is_other || is_missing && was_missing {
            self.is_missing = false;
            core.publish_again().await;
        }
    }

    /// Ends all calls if there was no server, or no agent, for too long.
    fn note_absence(&mut self, core: &Arc<Core>, is_idle: bool) {
        let patience = core.link.config.patience;
        let (is_connected, workers) = (core.link.is_connected(), core.crew().workers());
        let add = |so_far: Duration, is_there: bool| {
            if is_there || is_idle { Duration::ZERO } else { so_far + TICK }
        };
        self.without_server = add(self.without_server, is_connected);
        self.without_agent = add(self.without_agent, workers > 0);
        let servers = core.link.config.server_names();
        let reason = if core.link.health.borrow().refused && !is_connected {
            ClusterError::Refused { servers }.to_string()
        } else if self.without_server > patience {
            format!("no server has answered at {servers} for {patience:?}")
        } else if self.without_agent > patience {
            core.no_agent()
        } else {
            return;
        };
        (self.without_server, self.without_agent) = Default::default();
        core.give_up(reason);
    }
}

impl Core {
    /// Why nobody runs the tasks.
    fn no_agent(&self) -> String {
        let patience = self.link.config.patience;
        let build = short(self.link.names.build());
        let mut text = format!(
            "no worker of this build ({build}) has been there for {patience:?}: start this very \
             program elsewhere with MP_ROLE=worker and the same {ADDRESS}"
        );
        let others = self.crew().other_builds();
        if !others.is_empty() {
            text.push_str(&format!("; there are workers of other builds ({})", others.join(", ")));
        }
        text
    }

    /// Ends all that has no result.
    fn give_up(self: &Arc<Self>, reason: String) {
        self.fail_all(&TaskErrorKind::unavailable(reason).into());
        let core = Arc::clone(self);
        tokio::spawn(async move {
            if let Ok(tasks) = core.link.tasks().await {
                core.link.purge(&tasks, core.link.names.all_tasks_of(core.id), None).await;
            }
        });
    }

    /// Says to agents that this client is there, and wants its results.
    async fn beat(&self) {
        let notice = ClientBeat { client: self.id };
        if let Ok(message) = message::encode(&self.link.seal, message::CLIENT, &notice) {
            self.link.tell(self.link.names.clients(), message).await;
        }
    }

    /// How many chunks of this client the server has, and the stream that they are in.
    async fn count_tasks(&self) -> Result<(Info, usize), ClusterError> {
        let fails = || ClusterError::engine("count tasks");
        let tasks = self.link.tasks().await?;
        let mut subjects = tasks
            .info_with_subjects(self.link.names.all_tasks_of(self.id))
            .await
            .map_err(fails())?;
        let mut count = 0;
        while let Some((_, messages)) = subjects.try_next().await.map_err(fails())? {
            count += messages;
        }
        Ok((subjects.info, count))
    }

    /// Removes what nobody needs any more.
    async fn tidy(&self) {
        self.crew().forget_silent();
        if self.link.is_connected() {
            self.remove_unneeded().await;
        }
    }
}
