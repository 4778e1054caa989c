//! Our pool over a server, with agents of one worker each.

use std::hint::black_box;

use anyhow::Result;
use mp_cluster::Nats;
use mp_pool::Pool;
use mp_process::Function;

use super::server::{Agents, Server};

/// A server, agents, and a pool of them. What measures has it whole: a closure that could name the
/// pool would take the pool alone, and the server would be gone before the first sample.
pub(super) struct Cluster {
    pool: Pool,
    _agents: Agents,
    _server: Server,
}

impl Cluster {
    pub(super) fn new(agents: usize) -> Result<Self> {
        let server = Server::start()?;
        let agents = Agents::start(&server, agents)?;
        let nats = Nats::builder(&server.address()).token(server.token()).connect()?;
        agents.wait(&nats)?;
        Ok(Self { pool: Pool::with(nats), _agents: agents, _server: server })
    }

    /// Many tasks at once.
    pub(super) fn map<F>(&self, task: F, count: usize, chunk: Option<usize>) -> Result<()>
    where
        F: Function<(u64,), Output = u64>,
    {
        let task = self.pool.task(task);
        let task = if let Some(items) = chunk { task.chunk_size(items) } else { task };
        black_box(task.map(0..count as u64)?);
        Ok(())
    }

    /// One task after the other.
    pub(super) fn apply<F>(&self, task: F, count: usize) -> Result<()>
    where
        F: Function<(u64,), Output = u64>,
    {
        for n in 0..count as u64 {
            black_box(self.pool.apply(task, (n,))?);
        }
        Ok(())
    }
}
