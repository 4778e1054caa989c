//! The parent's side of one worker.

use std::collections::{BTreeSet, VecDeque};
use std::io::{self, ErrorKind};
use std::mem;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use mp_handle::{Bell, Consumer, Deadline, Descriptor, Parcel, Post, Producer, PushError, Waited};
use mp_process::{Child, Failure, Panic, Process};

use crate::chunk::Chunk;
use crate::engine::given::Given;
use crate::engine::pace::Pace;
use crate::error::PoolError;
use crate::frames::{ResultFrame, Results, TASK_HEADER, TaskFrame};
use crate::protocol::{self, Item, RESULTS, RING, TASKS, Words};
use crate::worker::{self, Initializer, Start};

/// A worker, and what it has been given.
pub(crate) struct Worker {
    process: Process<Result<(), String>>,
    words: Words,
    tasks: Producer,
    results: Consumer,
    post: Post,
    /// What it has not answered wholly yet, in the order of the sequence numbers.
    pub(crate) given: VecDeque<Given>,
    next_seq: u32,
    /// It was given something, and not woken for it yet.
    news: bool,
    /// The functions that it knows by number.
    functions: BTreeSet<u32>,
    /// Its initializer has returned.
    pub(crate) ready: bool,
    /// Items that it was given in all its life, less those that were taken back.
    pub(crate) accepted: u64,
    /// Items that it has answered.
    pub(crate) answered: u64,
    /// It was told to exit.
    pub(crate) leaving: bool,
    /// It was killed for the sake of this item.
    pub(crate) condemned: Option<Item>,
    pub(crate) pace: Pace,
}

/// Why a chunk could not be given to a worker.
pub(crate) enum Refused {
    /// There is no room at the moment, or the worker has just died.
    Full,
    /// It cannot be sent at all.
    Never(String),
    /// The worker has spoilt its ring.
    Spoilt,
}

impl Worker {
    pub(crate) fn start(
        name: String,
        bell: &Bell,
        initializer: Option<&(Initializer, Parcel)>,
    ) -> Result<Self, PoolError> {
        let region = protocol::create_region()?;
        let (post, theirs) = Post::pair().map_err(PoolError::system("make a socket pair"))?;
        if let Some((_, args)) = initializer {
            post.send(0, args).map_err(PoolError::system("send the initializer's arguments"))?;
        }
        let corrupt = |error| PoolError::system("use a fresh ring")(io::Error::other(error));
        let tasks = Producer::attach(&region, TASKS, RING).map_err(corrupt)?;
        let results = Consumer::attach(&region, RESULTS, RING).map_err(corrupt)?;
        let start = Start {
            region: region.clone(),
            bell: bell.clone(),
            post: Descriptor::from(OwnedFd::from(theirs)),
            initializer: initializer.map(|(function, _)| *function),
        };
        let process = Process::builder()
            .name(name)
            .daemon(true)
            .process_group(0)
            .spawn(worker::main, (start,))?;
        Ok(Self {
            process,
            words: Words::new(region)?,
            tasks,
            results,
            post,
            given: VecDeque::new(),
            next_seq: 0,
            news: false,
            functions: BTreeSet::new(),
            ready: false,
            accepted: 0,
            answered: 0,
            leaving: false,
            condemned: None,
            pace: Pace::default(),
        })
    }

    pub(crate) fn child(&self) -> &Child {
        &self.process
    }

    /// Why it has ended, and with which panic if it was one that could not be caught.
    pub(crate) fn last_words(&mut self) -> (String, Option<Panic>) {
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

    /// Gives it a chunk, which the caller then hands over by [`note`](Self::note). `functions` are
    /// those that chunks number, encoded.
    pub(crate) fn give(&mut self, chunk: &Chunk, functions: &[Vec<u8>]) -> Result<(), Refused> {
        let number = chunk.call().function;
        if !self.functions.contains(&number) {
            let function = functions[number as usize].as_slice();
            let header = TaskFrame::Function { number, bytes: function }.header();
            self.tasks.try_push(&[&header, function])?;
            self.functions.insert(number);
        }
        let (seq, timed) = (self.next_seq, chunk.call().deadline.is_some());
        let (table, bytes) = (chunk.table(), chunk.bytes());
        let len = TASK_HEADER + table.len() + bytes.len();
        let spilled = len > self.tasks.max_frame() || chunk.has_descriptors();
        let bytes = if spilled { &[][..] } else { bytes };
        if spilled {
            // Without their frame, the items would be taken for those of the next chunk.
            let len = TASK_HEADER + table.len();
            if self.tasks.wait_space(len, Deadline::now(), || true) != Waited::Ready {
                return Err(Refused::Full);
            }
            let sent = chunk.with_parcel(|items| self.post.send(u64::from(seq), items));
            sent.map_err(|error| self.refused(&error))?;
        }
        let frame = TaskFrame::Chunk { seq, function: number, timed, spilled, table, bytes };
        self.tasks.try_push(&[&frame.header(), table, bytes])?;
        Ok(())
    }

    /// What it means that the post did not take a chunk.
    fn refused(&self, error: &io::Error) -> Refused {
        match error.kind() {
            ErrorKind::WouldBlock => Refused::Full,
            // Of a worker that is gone the driver hears in a moment. One that has nothing to do
            // lives: its last task has closed whatever it found.
            ErrorKind::BrokenPipe if self.given.is_empty() => Refused::Spoilt,
            ErrorKind::BrokenPipe => Refused::Full,
            // Memory or descriptors: there may be more when something has ended.
            _ if !self.given.is_empty() => Refused::Full,
            _ => Refused::Never(error.to_string()),
        }
    }

    /// Notes that it was given `chunk`.
    pub(crate) fn note(&mut self, chunk: Chunk) {
        if self.given.is_empty() {
            self.pace.begin();
        }
        self.accepted += chunk.count() as u64;
        self.given.push_back(Given { seq: self.next_seq, chunk, done: 0 });
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
        if !self.leaving && self.tasks.try_push(&[&TaskFrame::Exit.header()]).is_ok() {
            self.leaving = true;
            self.tasks.notify();
        }
    }

    /// Takes in its answers; returns how many frames there were, or what makes no sense in them.
    pub(crate) fn drain(&mut self, buffer: &mut Vec<u8>) -> Result<usize, String> {
        buffer.clear();
        if self.results.drain(buffer).map_err(|error| error.to_string())? == 0 {
            return Ok(0);
        }
        self.results.notify_space();
        let mut results = Results::new(buffer);
        let was_ready = self.ready;
        if !was_ready {
            self.ready = matches!(results.next(Item::NONE)?, Some(ResultFrame::Ready));
        }
        let before = self.answered;
        while !results.is_empty() {
            self.take_in(&mut results)?;
        }
        let answered = (self.answered - before) as usize;
        self.pace.advance(answered);
        Ok(answered + usize::from(self.ready != was_ready))
    }

    /// Takes in the answers that belong to the call of the oldest chunk.
    fn take_in(&mut self, results: &mut Results<'_>) -> Result<(), String> {
        let given = self.given.front().ok_or("an answer that nobody has asked for")?;
        let job = Arc::clone(&given.chunk.call().job);
        let mut answers = job.answers();
        let pid = self.process.pid();
        while let Some(given) = self.given.front_mut() {
            if results.is_empty() || !Arc::ptr_eq(&given.chunk.call().job, &job) {
                break;
            }
            self.answered += given.take_in(results, &self.post, pid, &mut answers)?;
            if given.done == given.chunk.count() {
                self.given.pop_front();
            }
        }
        Ok(())
    }

    /// Takes back what it has not begun, in order.
    pub(crate) fn take_back(&mut self) -> impl Iterator<Item = Chunk> {
        self.words.take_back(self.next_seq);
        let kept = self.given.iter().take_while(|given| self.words.is_claimed(given.seq)).count();
        let back = self.given.split_off(kept);
        self.accepted -= back.iter().map(|given| given.chunk.count() as u64).sum::<u64>();
        back.into_iter().map(|given| given.chunk)
    }

    /// How many items it has not answered.
    pub(crate) fn unanswered(&self) -> u64 {
        self.accepted - self.answered
    }

    /// The item that it has begun and that has not ended, and when (true only if the items of the
    /// chunk have a deadline).
    pub(crate) fn begun(&self) -> Option<(Item, u64)> {
        let item = self.given.front()?.next();
        self.words.begun(item).map(|since| (item, since))
    }

    /// The item that it has begun and not answered.
    pub(crate) fn unfinished(&self) -> Option<Item> {
        let item = self.given.front()?.next();
        self.words.has_begun(item).then_some(item)
    }

    /// Kills it for the sake of `item`; false if that has ended in time.
    pub(crate) fn condemn(&mut self, item: Item) -> bool {
        let condemned = self.words.condemn(item);
        if condemned {
            self.condemned = Some(item);
            self.kill();
        }
        condemned
    }

    pub(crate) fn kill(&self) {
        // It fails only if this process may not signal the child any more: nothing can be done.
        let _ = self.process.kill();
    }
}

impl From<PushError> for Refused {
    fn from(error: PushError) -> Self {
        match error {
            PushError::Full => Self::Full,
            _ => Self::Spoilt,
        }
    }
}
