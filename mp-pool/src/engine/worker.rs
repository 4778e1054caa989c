//! The parent's side of one worker.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::mem;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Weak};
use std::time::Duration;

use mp_handle::{Bell, Consumer, Descriptor, Post, Producer};
use mp_process::{Child, Failure, Panic, Process};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::answer::Answer;
use crate::chunk::Chunk;
use crate::context::Context;
use crate::engine::given::Given;
use crate::engine::pace::Pace;
use crate::engine::{Config, felling};
use crate::error::PoolError;
use crate::events::{Inbox, Said};
use crate::frames::Status;
use crate::insight::{self, Reports, Track};
use crate::life::Life;
use crate::lines::{Lines, Stream, Target};
use crate::orders::TaskFrame;
use crate::protocol::{self, Item, RESULTS, RING, TASKS, Words, now};
use crate::worker::{self, Start};

/// A worker, and what it has been given.
pub(crate) struct Worker {
    /// Its number among the workers.
    pub(crate) id: usize,
    process: Process<Result<(), String>>,
    pub(crate) track: Track,
    /// What it reports of its tasks, if it was asked to.
    pub(super) reports: Option<Reports>,
    /// What its code tells, if anybody listens.
    pub(super) events: Option<Inbox>,
    /// What it has told, and nobody was told of yet.
    pub(super) said: Vec<Said>,
    /// What it says at its end, if that is read here.
    stderr: Option<Arc<Stream>>,
    words: Words,
    pub(super) tasks: Producer,
    pub(super) results: Consumer,
    pub(super) post: Post,
    /// What it has not answered wholly yet, in the order of the sequence numbers.
    pub(crate) given: VecDeque<Given>,
    pub(super) next_seq: u32,
    /// It was given something, and not woken for it yet.
    news: bool,
    /// The functions that it knows by number.
    pub(super) functions: BTreeSet<u32>,
    /// The shared values that it has, and whether they are needed still.
    pub(super) contexts: Vec<(u32, Weak<Context>)>,
    /// Its initializer has returned.
    pub(crate) ready: bool,
    /// Items that it was given in all its life, less those that were taken back.
    pub(crate) accepted: u64,
    /// Items that it has answered.
    pub(crate) answered: u64,
    /// It was killed because it was not ready after so long.
    pub(crate) overdue: Option<Duration>,
    /// When it was told to exit, on the monotonic clock.
    pub(crate) leaving: Option<u64>,
    /// It was killed for the sake of this item.
    pub(crate) condemned: Option<Item>,
    /// It was told that this item should end.
    pub(crate) warned: Option<Item>,
    /// It was killed because it used so much memory.
    pub(crate) oversize: Option<u64>,
    pub(crate) pace: Pace,
}

impl Worker {
    pub(crate) fn start(
        name: String,
        id: usize,
        bell: &Bell,
        config: &Config,
        lines: Option<&Lines>,
        life: &Life,
    ) -> Result<Self, PoolError> {
        let region = protocol::create_region()?;
        let (post, theirs) = Post::pair().map_err(PoolError::system("make a socket pair"))?;
        let initializer = config.initializer.iter().map(|(_, args)| args);
        for args in initializer.chain(config.equipment.state.iter().map(|state| &state.args)) {
            post.send(0, args).map_err(PoolError::system("send the initializer's arguments"))?;
        }
        let corrupt = |error| PoolError::system("use a fresh ring")(io::Error::other(error));
        let tasks = Producer::attach(&region, TASKS, RING).map_err(corrupt)?;
        let results = Consumer::attach(&region, RESULTS, RING).map_err(corrupt)?;
        let reports = config.insights.then(insight::create_region).transpose()?;
        let (events, ear) = Inbox::open(life)?.unzip();
        let begun = now();
        let start = Start {
            region: region.clone(),
            reports: reports.clone(),
            events: ear,
            bell: bell.clone(),
            post: Descriptor::from(OwnedFd::from(theirs)),
            id,
            cpu: config.surroundings.cpu_of(id),
            initializer: config.initializer.as_ref().map(|(function, _)| *function),
            state: config.equipment.state.as_ref().map(|state| state.maker),
            finalizer: config.equipment.finalizer,
        };
        let mut process = (config.memory)
            .restrict(config.surroundings.surround(Process::builder()))
            .name(name)
            .daemon(true)
            .process_group(0)
            .stdout(config.output.stdio())
            .stderr(config.output.stdio())
            .spawn(worker::main, (start,))?;
        let stderr = read_output(&mut process, lines).inspect_err(|_| {
            // It fails only if it has ended.
            let _ = process.kill();
        })?;
        Ok(Self {
            id,
            track: Track::new(id, process.pid(), begun),
            reports: reports.map(|region| Reports::new(&region)).transpose().map_err(corrupt)?,
            process,
            events,
            said: Vec::new(),
            stderr,
            words: Words::new(&region)?,
            tasks,
            results,
            post,
            given: VecDeque::new(),
            next_seq: 0,
            news: false,
            functions: BTreeSet::new(),
            contexts: Vec::new(),
            ready: false,
            accepted: 0,
            answered: 0,
            overdue: None,
            leaving: None,
            condemned: None,
            warned: None,
            oversize: None,
            pace: Pace::new(),
        })
    }

    pub(crate) fn child(&self) -> &Child {
        &self.process
    }

    /// The last that it has written to its standard error, as far as that is known here.
    pub(crate) fn stderr_tail(&self) -> String {
        self.stderr.as_ref().map(|stderr| stderr.tail()).unwrap_or_default()
    }

    /// Why it has ended, and with which panic if it was one that could not be caught.
    pub(crate) fn last_words(&mut self) -> (String, Option<Panic>) {
        if let Some(limit) = self.overdue {
            return (format!("the initializer has not returned within {limit:?}"), None);
        }
        match self.process.try_join() {
            Some(Ok(Err(reason))) => (reason, None),
            Some(Err(error)) => (
                error.to_string(),
                match error.into_failure() {
                    Failure::Panicked(panic) => Some(panic),
                    _ => None,
                },
            ),
            Some(Ok(Ok(()))) | None => (String::from("a worker has left unasked"), None),
        }
    }

    /// What its finalizer has returned, if it came to that.
    pub(crate) fn farewell(&self) -> Option<Answer> {
        loop {
            let (tag, parcel) = self.post.try_receive().ok()??;
            // Others are results whose frame it did not live to publish.
            if let Some(status) = Status::of_farewell(tag) {
                return Some(Answer::Encoded(status, parcel, self.process.pid()));
            }
        }
    }

    /// Notes that it was given `chunk`.
    pub(crate) fn note(&mut self, chunk: Chunk) {
        if self.given.is_empty() {
            self.pace.begin();
        }
        self.accepted += chunk.count() as u64;
        self.given.push_back(Given::new(self.next_seq, chunk));
        self.next_seq = self.next_seq.wrapping_add(1);
        self.news = true;
    }

    /// Wakes it for what it was given since the last time; tells whether that was anything.
    pub(crate) fn notify(&mut self) -> bool {
        let news = mem::take(&mut self.news);
        if news {
            self.tasks.notify();
        }
        news
    }

    /// Tells it to exit when it has done what it was given. If there is no room for that at the
    /// moment, the next call is another try.
    pub(crate) fn dismiss(&mut self) {
        if self.leaving.is_none() && self.tasks.try_push(&[&TaskFrame::Exit.header()]).is_ok() {
            self.leaving = Some(now());
            self.tasks.notify();
        }
    }

    /// Takes back what it has not begun, in order.
    pub(crate) fn take_back(&mut self) -> impl DoubleEndedIterator<Item = Chunk> + use<> {
        self.words.take_back(self.next_seq);
        let kept = self.given.iter().take_while(|given| self.words.is_claimed(given.seq)).count();
        let back = self.given.split_off(kept);
        self.accepted -= back.iter().map(|given| given.chunk.count() as u64).sum::<u64>();
        back.into_iter().map(|given| given.chunk)
    }

    /// Whether it has begun with a chunk that it was given: it can no longer be taken back.
    pub(crate) fn has_claimed(&self, given: &Given) -> bool {
        self.words.is_claimed(given.seq)
    }

    /// How many items it has not answered.
    pub(crate) fn unanswered(&self) -> u64 {
        self.accepted - self.answered
    }

    /// The item that it has begun and that has not ended, and when (true only if the items of the
    /// chunk have a deadline).
    pub(crate) fn begun(&self) -> Option<(Item, u64)> {
        let next = self.given.front()?.next();
        self.words.begun(next.seq).filter(|(item, _)| item.index >= next.index)
    }

    /// The item that it has begun and not answered, when all answers were taken in.
    pub(crate) fn unfinished(&self) -> Option<Item> {
        let item = self.given.front()?.next();
        self.words.has_begun(item).then_some(item)
    }

    /// Since when it has had nothing to do, if it has not.
    pub(crate) fn idle_since(&self) -> u64 {
        self.pace.last()
    }

    /// Signals it that `item` should end.
    pub(crate) fn warn(&mut self, item: Item, signal: i32) {
        self.warned = Some(item);
        // It fails if there is no such signal, which is said where it is set.
        let _ = self.process.send_signal(signal);
    }

    /// Kills it, and all that it has started, for the sake of `item`; false if that has ended in
    /// time.
    pub(crate) fn condemn(&mut self, item: Item) -> bool {
        let condemned = self.words.condemn(item);
        if condemned {
            self.condemned = Some(item);
            felling::fell(&self.process);
        }
        condemned
    }

    /// Kills it, and what it has started, as far as that is in the same process group still.
    pub(crate) fn kill(&self) {
        // As long as it has not been waited for, the number of the group is its own.
        if self.process.is_alive()
            && let Some(group) = Pid::from_raw(self.process.pid().cast_signed())
        {
            let _ = kill_process_group(group, Signal::KILL);
        }
        // It fails only if this process may not signal the child any more: nothing can be done.
        let _ = self.process.kill();
    }
}

/// Has what the worker prints read by `lines`; returns its standard error.
fn read_output<R>(
    process: &mut Process<R>,
    lines: Option<&Lines>,
) -> Result<Option<Arc<Stream>>, PoolError> {
    let pipes = (process.take_stdout(), process.take_stderr());
    let (Some(lines), (Some(stdout), Some(stderr))) = (lines, pipes) else { return Ok(None) };
    let add = |pipe: OwnedFd, target| lines.add(pipe, target, process.name());
    let added = add(stdout.into(), Target::Stdout).and(add(stderr.into(), Target::Stderr));
    added.map(Some).map_err(PoolError::system("read what a worker prints"))
}
