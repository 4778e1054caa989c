//! The client as an executor of calls.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::time::{Duration, Instant};
use std::{fmt, process, thread};

use mp_handle::{Deadline, Parcel};
use mp_pool::{
    Callbacks, Chunk, Executor, Job, Options, Routine, Statistics, TaskError, TaskErrorKind,
    Timeline, WorkerStatistics,
};
use tokio::sync::mpsc::unbounded_channel;

use super::drive::{self, Ready};
use super::outgoing::{can_travel, local_only, order_of};
use super::{Command, Core, Outgoing};
use crate::config::Config;
use crate::error::ClusterError;
use crate::message::{AgentBeat, ClientId};

/// The most items of a chunk: what a pool of processes takes.
const MAX_CHUNK: usize = 4096;

/// How many chunks are on the way while one goes there and back.
const ON_THE_WAY: usize = 64;

/// How long the end of a client waits for the servers to forget what is left of it.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A client of the cluster. When the last handle is dropped, what is left to do is given up.
pub(crate) struct Client {
    core: Arc<Core>,
    /// The process that made it: one that was forked off has no thread to speak for it.
    owner: u32,
}

impl Client {
    /// Connects, and waits for a moment to hear which agents there are.
    pub(crate) fn connect(config: Config) -> Result<Self, ClusterError> {
        let callbacks = Callbacks::start().map_err(ClusterError::system("start a thread"))?;
        let (ready, connected) = mpsc::channel::<Ready>();
        let (commands, orders) = unbounded_channel();
        let make = move |link| {
            Arc::new(Core {
                id: ClientId::new(),
                link,
                table: Mutex::default(),
                changed: Condvar::new(),
                crew: Mutex::default(),
                callbacks,
                commands,
                digests: Mutex::default(),
                stored: Mutex::default(),
                journal: Mutex::default(),
                cursor: AtomicU64::new(0),
            })
        };
        thread::Builder::new()
            .name("cluster".into())
            .spawn(move || drive::run(config, make, orders, &ready))
            .map_err(ClusterError::system("start a thread"))?;
        let core = connected.recv().map_err(|_| ClusterError::Engine {
            what: "be spoken to",
            reason: "the thread that connects has ended".into(),
        })??;
        Ok(Self { core, owner: process::id() })
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.core
    }
}

impl Executor for Client {
    fn parallelism(&self) -> usize {
        self.core.crew().workers().max(1)
    }

    fn ahead(&self) -> usize {
        2 * self.parallelism() + ON_THE_WAY
    }

    fn max_chunk(&self) -> usize {
        MAX_CHUNK
    }

    fn callbacks(&self) -> &Callbacks {
        &self.core.callbacks
    }

    fn enter(&self, _routine: Routine, _options: &Options) -> Result<u32, TaskError> {
        if self.owner != process::id() {
            return Err(TaskErrorKind::PoolClosed.into());
        }
        let mut table = self.core.table();
        if let Some(error) = table.refuses() {
            return Err(error);
        }
        table.arriving += 1;
        Ok(0)
    }

    fn submit(&self, chunks: Vec<Chunk>) {
        // All of them are of one call.
        let Some(first) = chunks.first() else { return };
        let order = order_of(first);
        let outgoing: Vec<Outgoing> =
            chunks.into_iter().filter_map(|chunk| self.take(chunk, &order)).collect();
        self.core.callbacks.wake_all();
        if !outgoing.is_empty() {
            self.core.command(Command::Publish(outgoing));
        }
    }

    fn leave(&self) {
        self.core.table().arriving -= 1;
        self.core.command(Command::Look);
    }

    fn cancel(&self, job: &Arc<Job>) -> bool {
        self.core.withdraw(job, false)
    }

    fn kill(&self, job: &Arc<Job>) -> bool {
        self.core.withdraw(job, true)
    }

    fn is_running(&self, job: &Arc<Job>) -> bool {
        let table = self.core.table();
        table.of(job).into_iter().any(|number| table.get(number).is_some_and(|it| it.has_begun))
    }

    fn statistics(&self) -> Statistics {
        let mut statistics = Statistics::default();
        statistics.workers = self.core.crew().agents().zip(0..).map(figures_of).collect();
        let table = self.core.table();
        (statistics.received, statistics.finished) = (table.received, table.finished);
        statistics.lost = table.lost;
        for (_, unfinished) in table.iter() {
            let items = unfinished.chunk.places().len() as u64;
            let place =
                if unfinished.has_begun { &mut statistics.given } else { &mut statistics.queued };
            *place += items;
        }
        statistics
    }

    fn timeline(&self) -> Timeline {
        self.core.journal().timeline()
    }

    fn close(&self) {
        self.core.table().is_closed = true;
        self.core.command(Command::Look);
    }

    fn is_closed(&self) -> bool {
        self.core.table().is_closed
    }

    fn terminate(&self) {
        let mut table = self.core.table();
        table.is_closed = true;
        table.refusal.get_or_insert_with(|| TaskErrorKind::Cancelled.into());
        drop(table);
        self.core.fail_all(&TaskErrorKind::Cancelled.into());
        self.core.command(Command::Look);
    }

    fn cancel_pending(&self) {
        let mut table = self.core.table();
        table.is_closed = true;
        table.refusal.get_or_insert_with(|| TaskErrorKind::Cancelled.into());
        let waiting = table.iter().filter(|(_, unfinished)| !unfinished.has_begun);
        let jobs: Vec<_> = waiting.map(|(_, it)| Arc::clone(it.chunk.job())).collect();
        drop(table);
        for job in jobs {
            job.abandon();
            self.core.withdraw(&job, false);
        }
        self.core.command(Command::Look);
    }

    fn wait_over(&self, deadline: Deadline) -> bool {
        let mut table = self.core.table();
        while !table.is_over {
            if deadline.is_expired() {
                return false;
            }
            let slice = deadline.remaining().unwrap_or(Duration::MAX).min(Duration::from_secs(1));
            let waited = self.core.changed.wait_timeout(table, slice);
            table = waited.unwrap_or_else(std::sync::PoisonError::into_inner).0;
        }
        drop(table);
        self.core.callbacks.wait(deadline)
    }
}

impl Client {
    /// Takes a chunk that was handed in, and makes a message of it; or answers for it.
    fn take(&self, chunk: Chunk, order: &Result<Parcel, TaskErrorKind>) -> Option<Outgoing> {
        let order = match order {
            _ if chunk.job().is_abandoned() => Err(TaskErrorKind::Cancelled),
            _ if !can_travel(&chunk) => Err(local_only()),
            order => order.as_ref().map_err(Clone::clone),
        };
        let order = match order {
            Ok(order) => order,
            Err(kind) => {
                chunk.fail(&kind.into());
                return None;
            }
        };
        let number = self.core.table().next_number();
        let outgoing = self.core.encode(number, 0, &chunk, order.bytes());
        let mut table = self.core.table();
        if let Some(error) = &table.refusal {
            chunk.fail(error);
            return None;
        }
        table.insert(number, chunk);
        Some(outgoing)
    }
}

/// An agent, as if it were one worker.
fn figures_of((beat, id): (&AgentBeat, usize)) -> WorkerStatistics {
    let mut worker = WorkerStatistics::default();
    (worker.id, worker.pid) = (id, beat.pid);
    (worker.tasks, worker.failed) = (beat.finished, beat.failed);
    worker.host = Some(beat.host.as_str().into());
    worker
}

impl Drop for Client {
    fn drop(&mut self) {
        if self.owner != process::id() {
            return;
        }
        self.terminate();
        // It is the last word, not a promise: agents forget who is silent.
        let over = Deadline::after(LAST_WORDS);
        let began = Instant::now();
        while !self.core.table().is_over && began.elapsed() < LAST_WORDS {
            self.wait_over(over);
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("id", &self.core.id).finish_non_exhaustive()
    }
}
