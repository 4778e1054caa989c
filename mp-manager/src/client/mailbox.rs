//! The answers of a connection, sorted for the threads that wait for them.
//!
//! One of those who wait reads, and puts the answers of others where they find them. When it has
//! its own it leaves, and one of the others reads on. A thread that is alone finds nobody and
//! nothing, and pays for it with two loads.
//!
//! # Why nobody oversleeps
//!
//! Who wants to sleep counts itself among the waiting, and then tries once more to become the
//! reader. A reader that leaves gives its place up first, and then looks at that count. Of two
//! such pairs, with a fence in between, one sees the other. An answer is put, and looked for before
//! sleeping, under one lock. (And should all that fail, a sleep is no longer than a slice.)

use std::collections::HashMap;
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, TryLockError};

use mp_handle::SLICE;

use super::line::{Incoming, Lost};

type Reading<'a> = MutexGuard<'a, Box<dyn Incoming>>;

/// Where the threads of this process find their answers.
pub(super) struct Mailbox {
    line: Mutex<Box<dyn Incoming>>,
    /// What was read for others.
    answers: Mutex<HashMap<u64, Vec<u8>>>,
    /// How many answers there are. Only who reads adds to them.
    len: AtomicUsize,
    /// How many sleep until there are more, or nobody reads.
    waiting: AtomicUsize,
    arrived: Condvar,
    is_closed: AtomicBool,
}

impl Mailbox {
    pub(super) fn new(line: Box<dyn Incoming>) -> Self {
        Self {
            line: Mutex::new(line),
            answers: Mutex::default(),
            len: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            arrived: Condvar::new(),
            is_closed: AtomicBool::new(false),
        }
    }

    /// Waits for the answer to a request of this thread. It comes in `buffer`, if it can.
    #[inline]
    pub(super) fn receive(&self, id: u64, mut buffer: Vec<u8>) -> Result<Vec<u8>, Lost> {
        loop {
            if let Some(line) = self.try_read() {
                return self.read(id, line, buffer);
            }
            if let Some(answer) = self.wait(id)? {
                return Ok(answer);
            }
            buffer.clear();
        }
    }

    /// There is nothing to come any more: wakes all who wait.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        drop(self.lock());
        self.arrived.notify_all();
    }

    #[inline]
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Vec<u8>>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[inline]
    fn try_read(&self) -> Option<Reading<'_>> {
        match self.line.try_lock() {
            Ok(line) => Some(line),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Reads until the answer is there, for others too.
    fn read(&self, id: u64, mut line: Reading<'_>, mut buffer: Vec<u8>) -> Result<Vec<u8>, Lost> {
        // Whoever read before may have found it.
        let mut found = self.take(id);
        while found.is_none() {
            buffer.clear();
            if self.is_closed() {
                return Err(Lost);
            }
            line.receive(&mut buffer)?;
            let answer = mem::take(&mut buffer);
            match number_of(&answer) {
                number if number == id => found = Some(answer),
                number => self.put(number, answer),
            }
        }
        drop(line);
        fence(Ordering::SeqCst);
        self.wake_others();
        found.ok_or(Lost)
    }

    #[inline]
    fn wake_others(&self) {
        if self.waiting.load(Ordering::Relaxed) > 0 {
            // Whoever is about to sleep has this lock until it does.
            drop(self.lock());
            self.arrived.notify_all();
        }
    }

    fn put(&self, number: u64, answer: Vec<u8>) {
        let mut answers = self.lock();
        answers.insert(number, answer);
        self.len.store(answers.len(), Ordering::Relaxed);
        drop(answers);
        self.wake_others();
    }

    /// Takes an answer out that is there already; for who reads, or else by chance.
    #[inline]
    fn take(&self, id: u64) -> Option<Vec<u8>> {
        if self.len.load(Ordering::Relaxed) == 0 {
            return None;
        }
        self.take_from(&mut self.lock(), id)
    }

    fn take_from(&self, answers: &mut HashMap<u64, Vec<u8>>, id: u64) -> Option<Vec<u8>> {
        let answer = answers.remove(&id);
        self.len.store(answers.len(), Ordering::Relaxed);
        answer
    }

    /// Sleeps until somebody has found the answer, or nobody reads any more.
    #[cold]
    fn wait(&self, id: u64) -> Result<Option<Vec<u8>>, Lost> {
        let mut answers = self.lock();
        if let Some(answer) = self.take_from(&mut answers, id) {
            return Ok(Some(answer));
        }
        if self.is_closed() {
            return Err(Lost);
        }
        self.waiting.fetch_add(1, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if self.try_read().is_none() {
            let waited = self.arrived.wait_timeout(answers, SLICE);
            answers = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        Ok(self.take_from(&mut answers, id))
    }
}

/// The request that is answered. What is too short for that answers nobody's.
fn number_of(answer: &[u8]) -> u64 {
    answer.first_chunk().map_or(0, |id| u64::from_le_bytes(*id))
}
