//! The caller's side: chunks go out, results come in, and what the servers lose goes out again.
//!
//! A thread of its own speaks to the server ([`drive`]). The threads that call only encode their
//! chunks and wait for their jobs.

mod audit;
mod crew;
mod drive;
mod executor;
mod outgoing;
mod publish;
mod results;
mod table;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak, mpsc};
use std::time::{Duration, Instant};

use mp_pool::{Callbacks, Context, Job, Journal, TaskError, TaskErrorKind};
use tokio::sync::mpsc::UnboundedSender;

pub(crate) use self::crew::{Crew, short};
pub(crate) use self::executor::Client;
use self::outgoing::Outgoing;
use self::table::Table;
use crate::link::Link;
use crate::message::{self, ClientId, Digest, Drop};

/// How long who cancels waits until agents hear of it.
const TELL: Duration = Duration::from_secs(3);

/// What the calling threads tell the thread that speaks to the server.
#[derive(Debug)]
enum Command {
    Publish(Vec<Outgoing>),
    /// Nobody wants these chunks any more; what runs may go on, or not.
    Drop {
        numbers: Vec<u64>,
        sequences: Vec<u64>,
        kill: bool,
        /// Told when all who are to know it are about to hear it.
        told: mpsc::Sender<()>,
    },
    /// There may be nothing left to do.
    Look,
}

/// What the handles of a client share with its thread.
#[derive(Debug)]
pub(crate) struct Core {
    id: ClientId,
    link: Link,
    table: Mutex<Table>,
    /// The table has changed in a way that somebody waits for.
    changed: Condvar,
    crew: Mutex<Crew>,
    callbacks: Callbacks,
    commands: UnboundedSender<Command>,
    /// The digests of shared values.
    digests: Mutex<Vec<(Weak<Context>, Digest)>>,
    /// The values in the store, by how many chunks need them, and since when none does.
    stored: Mutex<HashMap<Digest, Kept>>,
    /// Where and when tasks ran.
    journal: Mutex<Journal>,
    /// The last message of the stream of results that was taken.
    cursor: AtomicU64,
}

/// A value of this client in the store.
#[derive(Debug)]
struct Kept {
    /// The chunks that need it.
    chunks: HashSet<u64>,
    /// When one last did.
    needed: Instant,
}

/// What a lock protects here is whole between any two statements that could panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Core {
    fn table(&self) -> MutexGuard<'_, Table> {
        lock(&self.table)
    }

    pub(crate) fn crew(&self) -> MutexGuard<'_, Crew> {
        lock(&self.crew)
    }

    fn journal(&self) -> MutexGuard<'_, Journal> {
        lock(&self.journal)
    }

    fn digests(&self) -> MutexGuard<'_, Vec<(Weak<Context>, Digest)>> {
        lock(&self.digests)
    }

    fn stored(&self) -> MutexGuard<'_, HashMap<Digest, Kept>> {
        lock(&self.stored)
    }

    /// Tells the thread; it is there as long as the client is.
    fn command(&self, command: Command) {
        let _ = self.commands.send(command);
    }

    /// Answers for all that has no result.
    fn fail_all(&self, error: &TaskError) {
        self.table().fail_all(error);
        self.changed.notify_all();
        self.callbacks.wake_all();
    }

    /// Has agents and servers forget some chunks, or all if there are none.
    async fn forget(&self, numbers: Vec<u64>, kill: bool) {
        let notice = Drop { client: self.id, numbers, kill };
        if let Ok(message) = message::encode(&self.link.seal, message::DROP, &notice) {
            self.link.tell(self.link.names.drops(), message).await;
        }
    }

    /// Gives up what is left of a call; returns whether nothing of it runs, of what is known.
    fn withdraw(&self, job: &Arc<Job>, kill: bool) -> bool {
        let mut table = self.table();
        let all = table.of(job);
        let has_begun = |number: &u64| table.get(*number).is_some_and(|it| it.has_begun);
        let any_begun = all.iter().any(has_begun);
        let is_whole = !all.is_empty() && (kill || !any_begun);
        if is_whole {
            job.abandon();
        }
        if !job.is_abandoned() {
            return false;
        }
        let numbers: Vec<u64> =
            all.into_iter().filter(|number| kill || !has_begun(number)).collect();
        let taken: Vec<_> = numbers.iter().filter_map(|&number| table.give_up(number)).collect();
        let sequences = taken.iter().filter_map(|unfinished| unfinished.sequence).collect();
        for unfinished in &taken {
            unfinished.chunk.fail(&TaskErrorKind::Cancelled.into());
        }
        drop(table);
        self.changed.notify_all();
        self.callbacks.wake_all();
        let (told, is_told) = mpsc::channel();
        self.command(Command::Drop { numbers, sequences, kill, told });
        // Then nothing of it begins that has not begun. Without a server nothing does either.
        let _ = is_told.recv_timeout(TELL);
        is_whole
    }
}
