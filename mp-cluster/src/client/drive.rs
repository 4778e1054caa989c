//! The thread that speaks to the server for a client, from the connection to the end.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::runtime;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, timeout};

use super::{Command, Core, audit, results};
use crate::config::Config;
use crate::error::ClusterError;
use crate::link::Link;
use crate::message::{self, AgentBeat, Begun};
use crate::names::AGENTS_OF_ALL;

/// How long a client waits for a server that is not there yet.
const LONGEST_CONNECT: Duration = Duration::from_secs(10);
/// How long it listens for agents before its first call.
const LISTEN: Duration = Duration::from_millis(300);
/// How long the server may take to pass on what was told.
const PASSED_ON: Duration = Duration::from_secs(2);
/// How long the servers may take to forget a client.
const FAREWELL: Duration = Duration::from_secs(2);

/// What a thread tells of its start.
pub(super) type Ready = Result<Arc<Core>, ClusterError>;

/// The body of the thread.
pub(super) fn run(
    config: Config,
    make: impl FnOnce(Link) -> Arc<Core>,
    commands: UnboundedReceiver<Command>,
    ready: &Sender<Ready>,
) {
    let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return tell(ready, Err(ClusterError::system("start a runtime")(error))),
    };
    runtime.block_on(async {
        let wait = config.patience.min(LONGEST_CONNECT);
        let link = match Link::connect(Arc::new(config), wait).await {
            Ok(link) => link,
            Err(error) => return tell(ready, Err(error)),
        };
        let core = make(link);
        if let Err(error) = core.listen().await {
            return tell(ready, Err(error));
        }
        tokio::spawn(results::run(Arc::clone(&core)));
        tokio::spawn(audit::run(Arc::clone(&core)));
        tell(ready, Ok(Arc::clone(&core)));
        core.serve(commands).await;
        let _ = timeout(FAREWELL, core.clear_up()).await;
        core.table().is_over = true;
        core.changed.notify_all();
    });
}

fn tell(ready: &Sender<Ready>, message: Ready) {
    // Who has started the thread waits for it.
    let _ = ready.send(message);
}

impl Core {
    /// Begins to listen to agents, and waits for a moment for the first of them.
    async fn listen(self: &Arc<Self>) -> Result<(), ClusterError> {
        let subscribe = |subject: String| async {
            let subscribed = self.link.client.subscribe(subject).await;
            subscribed.map_err(ClusterError::engine("be listened to"))
        };
        let mut agents = subscribe(AGENTS_OF_ALL.into()).await?;
        let mut begun = subscribe(self.link.names.begun(self.id)).await?;
        let core = Arc::clone(self);
        tokio::spawn(async move {
            while let Some(message) = agents.next().await {
                core.hear_agent(&message);
            }
        });
        let core = Arc::clone(self);
        tokio::spawn(async move {
            while let Some(message) = begun.next().await {
                core.hear_begun(&message.payload);
            }
        });
        self.link.tell(self.link.names.hello(), Vec::new()).await;
        let began = Instant::now();
        while began.elapsed() < LISTEN && self.crew().workers() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    fn hear_agent(&self, message: &async_nats::Message) {
        if message.subject.as_str() != self.link.names.agents() {
            let build = message.subject.split('.').nth(1).unwrap_or_default();
            return self.crew().hear_of(build);
        }
        let beat = message::decode::<AgentBeat>(&self.link.seal, message::AGENT, &message.payload);
        if let Some(beat) = beat {
            self.crew().hear(beat);
        }
    }

    fn hear_begun(&self, payload: &[u8]) {
        let Some(begun) = message::decode::<Begun>(&self.link.seal, message::BEGUN, payload) else {
            return;
        };
        let mut table = self.table();
        for number in begun.numbers {
            if let Some(unfinished) = table.get_mut(number) {
                unfinished.has_begun = true;
            }
        }
    }

    /// Does what the calling threads say, until there is nothing left to do.
    async fn serve(self: &Arc<Self>, mut commands: UnboundedReceiver<Command>) {
        while let Some(command) = commands.recv().await {
            match command {
                Command::Publish(outgoing) => {
                    for outgoing in outgoing {
                        self.publish(outgoing).await;
                    }
                }
                Command::Drop { numbers, sequences, kill, told } => {
                    self.drop_chunks(numbers, sequences, kill).await;
                    // Who has waited for too long does not any more.
                    let _ = told.send(());
                }
                Command::Look => {}
            }
            if self.table().is_done() {
                return;
            }
        }
    }

    /// Has servers and agents forget chunks that nobody wants.
    async fn drop_chunks(self: &Arc<Self>, numbers: Vec<u64>, sequences: Vec<u64>, kill: bool) {
        if numbers.is_empty() {
            return;
        }
        self.forget(numbers, kill).await;
        // When the server answers to what comes next, it has passed that on.
        if self.link.is_connected() {
            let _ = timeout(PASSED_ON, self.link.tasks()).await;
        }
        let core = Arc::clone(self);
        tokio::spawn(async move { core.delete(sequences).await });
    }

    /// Leaves nothing of this client with servers and agents.
    async fn clear_up(&self) {
        self.forget(Vec::new(), true).await;
        if let Ok(tasks) = self.link.tasks().await {
            self.link.purge(&tasks, self.link.names.all_tasks_of(self.id), None).await;
        }
        if let Ok(results) = self.link.results().await {
            self.link.purge(&results, self.link.names.results_of(self.id), None).await;
        }
        self.remove_values(|_| true).await;
        // What was told is to go out.
        let _ = self.link.client.flush().await;
    }
}
