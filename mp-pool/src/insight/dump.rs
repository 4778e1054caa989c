//! What a pool is at: the answer to "why does this result not come".

use std::fmt;
use std::time::Duration;

/// What a pool and each of its workers are at: from [`Pool::dump`](crate::Pool::dump). As a text
/// it has one line for the pool, and one for each worker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dump {
    /// Where the pool is in its life, in a few words.
    pub state: String,
    /// The workers.
    pub workers: Vec<WorkerDump>,
    /// Tasks that no worker has been given yet.
    pub queued: u64,
    /// The places among the inputs of their calls of the first of these, a few at most.
    pub next: Vec<usize>,
}

/// What one worker is at.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerDump {
    /// Its number among the workers.
    pub id: usize,
    /// Its process id.
    pub pid: u32,
    /// What it is at.
    pub activity: Activity,
    /// Since when, as far as that is known here: since its last answer, unless there is a deadline
    /// or the pool has [`insights`](crate::Builder::insights).
    pub since: Duration,
    /// Tasks that it has been given and not answered, that one included.
    pub given: u64,
    /// What the system says that it does, as `ps` shows it: `R` runs, `S` sleeps, `D` waits for a
    /// device, `T` is stopped, `Z` has ended.
    pub process_state: Option<char>,
}

/// What a worker is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Activity {
    /// It starts, or its initializer runs.
    Starting,
    /// It has nothing to do.
    Idle,
    /// It runs the task that has this place among the inputs of its call.
    Running(usize),
    /// It has tasks, and has not begun, or is between two of them.
    Between,
    /// It was killed at the deadline of the task, and is on its way out.
    Killed,
    /// It was told to exit.
    Leaving,
}

impl fmt::Display for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starting => f.write_str("starting"),
            Self::Idle => f.write_str("idle"),
            Self::Running(index) => write!(f, "running task {index}"),
            Self::Between => f.write_str("between tasks"),
            Self::Killed => f.write_str("killed at a deadline"),
            Self::Leaving => f.write_str("leaving"),
        }
    }
}

impl fmt::Display for WorkerDump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, pid, activity, since, given, process_state } = self;
        write!(f, "worker {id} (pid {pid}): {activity} for {since:.1?}, {given} tasks given")?;
        match process_state {
            Some('D') => f.write_str(", waits for a device"),
            Some('T') => f.write_str(", stopped by a signal"),
            Some('t') => f.write_str(", stopped by a debugger"),
            Some('Z') => f.write_str(", has ended"),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Dump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pool {}: {} tasks queued", self.state, self.queued)?;
        if let Some(first) = self.next.first() {
            write!(f, ", next is task {first}")?;
        }
        self.workers.iter().try_for_each(|worker| write!(f, "\n{worker}"))
    }
}

/// What the system says that a process does.
pub(crate) fn process_state(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}
