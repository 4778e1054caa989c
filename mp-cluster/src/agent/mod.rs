//! The worker's side: a process on each machine that has a local pool, pulls chunks of tasks, runs
//! them there, and sends back what came of them.
//!
//! It answers first and acknowledges then. So whatever happens to it, a chunk is either still with
//! the server, which gives it to another agent when the lease is over, or its answer is. The lease
//! of whatever it holds is extended three times while it lasts.

mod deliver;
mod held;
mod notices;
mod pace;
mod pull;
mod serve;
mod silent;
mod start;
mod suspects;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use mp_handle::CodecError;
use mp_pool::{Calls, Context, Executor, Job, Order, Pool};
use mp_process::cpu_count;
use tokio::runtime;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use self::held::{Held, Recent};
use self::pace::Pace;
use self::pull::Pull;
use self::suspects::Suspects;
use crate::allowed::Share;
use crate::config::{self, Config};
use crate::error::ClusterError;
use crate::link::Link;
use crate::message::{ClientId, Digest};

/// What other threads and tasks tell the agent, most of it about the chunk of a key.
#[derive(Debug)]
enum News {
    /// Its items have their answers.
    Ended(u64, Arc<Job>),
    /// What it needs has been fetched from the store; or not.
    Fetched(u64, Result<start::Fetched, ClusterError>),
    /// The client knows that it is begun again.
    Announced(u64),
    /// The server has its result.
    Delivered(Vec<u64>),
    /// The servers keep something of these clients.
    Clients(HashSet<ClientId>),
}

/// A worker process of the cluster.
struct Agent {
    link: Link,
    pool: Pool,
    host: Arc<str>,
    workers: usize,
    /// The chunks that it has, by keys of its own.
    held: HashMap<u64, Held>,
    /// How many of each lane these are.
    held_of: [usize; 2],
    /// The keys of these.
    keys: HashMap<(ClientId, u64), u64>,
    next_key: u64,
    /// Those that were lost before.
    suspects: Suspects,
    /// Those that need not be run.
    recent: Recent,
    /// Answers that are to be sent, by client.
    answers: HashMap<ClientId, Vec<(u64, Vec<u8>)>>,
    /// How many messages of answers are on their way.
    delivering: usize,
    /// When each client was heard last.
    clients: HashMap<ClientId, Instant>,
    /// Clients that have ended.
    gone: HashSet<ClientId>,
    /// Clients of which the servers keep something, and which were silent at the last look.
    silent: HashSet<ClientId>,
    /// Since when it hears clients.
    began: Instant,
    /// What was decoded lately.
    orders: HashMap<Vec<u8>, (Order, Share)>,
    contexts: HashMap<Digest, (Instant, Arc<Context>)>,
    pace: Pace,
    pulls: [Pull; 2],
    is_draining: bool,
    finished: u64,
    failed: u64,
    news: UnboundedSender<News>,
}

/// Serves the cluster until it is told to end; returns the code to exit with.
pub(crate) fn run() -> i32 {
    match serve() {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("this worker cannot serve its cluster: {error}");
            2
        }
    }
}

fn serve() -> Result<(), ClusterError> {
    let config = Config::from_env()?;
    config.check_encryption()?;
    let workers = config::number(config::WORKERS, |&workers| workers > 0)?;
    let workers: usize = workers.unwrap_or_else(cpu_count);
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(ClusterError::system("start a runtime"))?;
    runtime.block_on(async {
        // The functions that the pool's workers get from afar are those of friends: so they are
        // made before the workers are.
        let link = Link::connect(Arc::new(config), pull::FOREVER).await?;
        let insights = config::variable(config::INSIGHTS).is_some_and(|value| value != "0");
        let pool = Pool::builder().workers(workers).insights(insights).build();
        let pool = pool.map_err(ClusterError::Workers)?;
        let (news, heard) = unbounded_channel();
        Agent::new(link, pool, workers, news).serve(heard).await
    })
}

impl Agent {
    fn new(link: Link, pool: Pool, workers: usize, news: UnboundedSender<News>) -> Self {
        let host = rustix::system::uname().nodename().to_string_lossy().into();
        Self {
            link,
            pool,
            host,
            workers,
            held: HashMap::new(),
            held_of: [0; 2],
            keys: HashMap::new(),
            next_key: 0,
            suspects: Suspects::default(),
            recent: Recent::default(),
            answers: HashMap::new(),
            delivering: 0,
            clients: HashMap::new(),
            gone: HashSet::new(),
            silent: HashSet::new(),
            began: Instant::now(),
            orders: HashMap::new(),
            contexts: HashMap::new(),
            pace: Pace::new(workers),
            pulls: Default::default(),
            is_draining: false,
            finished: 0,
            failed: 0,
            news,
        }
    }

    fn executor(&self) -> &Arc<dyn Executor> {
        Calls::executor(&self.pool)
    }

    /// Takes a chunk out; it is none of this agent's any more.
    fn release(&mut self, key: u64) -> Option<Held> {
        let held = self.held.remove(&key)?;
        self.keys.remove(&(held.client, held.number));
        self.held_of[held.lane as usize] -= 1;
        if held.is_suspect {
            self.suspects.end();
        }
        Some(held)
    }
}

/// Says why the answers of a chunk cannot be encoded.
fn unencodable(error: &CodecError) -> mp_pool::TaskError {
    mp_pool::TaskErrorKind::undecodable(format!("the result cannot be encoded: {error}")).into()
}

type Heard = UnboundedReceiver<News>;
