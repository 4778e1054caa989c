//! The thread that takes lines from the pipes of workers to the streams of this process.

use std::sync::Arc;

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, Event};

use super::{Shared, Stream, WAKE};
use crate::monitor::Monitor;

/// Events of one look. What has no room comes with the next.
const EVENTS: usize = 64;

impl Shared {
    /// The body of the thread. Says so when it rests.
    pub(super) fn forward(&self, rests: &Monitor<bool>) {
        let mut events = Vec::with_capacity(EVENTS);
        let mut text = Vec::new();
        while !self.is_over() {
            if self.is_left() {
                rests.set();
            }
            self.wait(&mut events);
            let asked = self.begin();
            for stream in self.those_of(&events, asked.is_some()) {
                stream.forward(&mut text, &self.written);
            }
            self.end(asked);
        }
    }

    fn is_over(&self) -> bool {
        let streams = self.streams();
        streams.closed && streams.by_key.is_empty()
    }

    /// Whether there are no workers any more, and all pipes that have ended were seen to.
    fn is_left(&self) -> bool {
        self.streams().closed && !self.has_news()
    }

    /// Sleeps until a pipe has something, unless somebody waits for a pass.
    fn wait(&self, events: &mut Vec<Event>) {
        let is_asked = {
            let work = self.work.lock();
            work.value.asked > work.value.served
        };
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        events.clear();
        // A signal ends it early, and it is called again.
        let _ = epoll::wait(&self.epoll, spare_capacity(events), is_asked.then_some(&now));
    }

    /// Says that what is read from now on is not written yet; gives the number up to which passes
    /// were asked for, if there are such.
    fn begin(&self) -> Option<u64> {
        let mut work = self.work.lock();
        work.value.busy = true;
        (work.value.asked > work.value.served).then_some(work.value.asked)
    }

    fn end(&self, asked: Option<u64>) {
        let mut work = self.work.lock();
        work.value.busy = false;
        if let Some(asked) = asked {
            work.value.served = asked;
            self.work.notify(&work);
        }
    }

    /// The streams that are to be looked at: all of them, if somebody has asked. Those that have
    /// ended are forgotten.
    fn those_of(&self, events: &[Event], all: bool) -> Vec<Arc<Stream>> {
        let mut woken = all;
        if events.iter().any(|event| event.data.u64() == WAKE) {
            woken = true;
            let _ = rustix::io::read(&self.wake, &mut [0; 8]);
        }
        let mut streams = self.streams();
        streams.by_key.retain(|_, stream| {
            let ended = stream.is_over();
            if ended {
                // It fails only for what is not there.
                let _ = epoll::delete(&self.epoll, &**stream);
            }
            !ended
        });
        if woken {
            return streams.by_key.values().cloned().collect();
        }
        let keys = events.iter().map(|event| event.data.u64());
        keys.filter_map(|key| streams.by_key.get(&key).cloned()).collect()
    }
}
