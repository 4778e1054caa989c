//! The limit of all that is asked of another process and answered by it: a pair of rings, bare.

use anyhow::Result;
use mp_handle::{Consumer, Deadline, Kind, Producer, PushError, Region, ring_size};
use mp_process::{Child, Function, Process};
use serde::Serialize;
use serde::de::DeserializeOwned;

const CAPACITY: usize = 1 << 20;
const KIND: Kind = Kind::new(1, "bench rings");

/// The end that asks.
pub(in crate::rows) struct Caller {
    requests: Producer,
    replies: Consumer,
}

impl Caller {
    /// Makes a pair of rings; the region is for [`serve`].
    pub(in crate::rows) fn new() -> Result<(Self, Region)> {
        let region = Region::create(KIND, 0, 2 * ring_size(CAPACITY))?;
        let requests = Producer::attach(&region, 0, CAPACITY)?;
        let replies = Consumer::attach(&region, ring_size(CAPACITY), CAPACITY)?;
        Ok((Self { requests, replies }, region))
    }

    /// Asks, and waits for the reply.
    pub(in crate::rows) fn call(&mut self, request: &[u8], reply: &mut Vec<u8>) -> Result<()> {
        self.requests.try_push(&[request])?;
        self.requests.notify();
        reply.clear();
        while !self.replies.try_pop(reply)? {
            let _ = self.replies.wait(Deadline::NEVER, || true);
        }
        Ok(())
    }

    /// Asks the same up to `times`, as often as there is room; returns how often.
    pub(super) fn ask(&mut self, request: &[u8], times: usize) -> Result<usize> {
        let mut asked = 0;
        while asked < times && push(&mut self.requests, request)? {
            asked += 1;
        }
        if asked > 0 {
            self.requests.notify();
        }
        Ok(asked)
    }

    /// Takes the replies that are there; returns how many.
    pub(super) fn take(&mut self, buffer: &mut Vec<u8>) -> Result<usize> {
        buffer.clear();
        let mut taken = 0;
        while self.replies.try_pop(buffer)? {
            buffer.clear();
            taken += 1;
        }
        if taken > 0 {
            self.replies.notify_space();
        }
        Ok(taken)
    }
}

/// Answers what a [`Caller`] asks, for ever. `answer` writes its reply behind what it is given.
pub(in crate::rows) fn serve(region: &Region, mut answer: impl FnMut(&[u8], &mut Vec<u8>)) {
    let mut requests = Consumer::attach(region, 0, CAPACITY).expect("rings of a caller");
    let mut replies =
        Producer::attach(region, ring_size(CAPACITY), CAPACITY).expect("rings of a caller");
    let (mut request, mut reply) = (Vec::new(), Vec::new());
    loop {
        while requests.try_pop(&mut request).expect("a sound ring") {
            reply.clear();
            answer(&request, &mut reply);
            request.clear();
            while !push(&mut replies, &reply).expect("a sound ring") {
                replies.notify();
                let _ = replies.wait_space(reply.len(), Deadline::NEVER, || true);
            }
        }
        replies.notify();
        requests.notify_space();
        let _ = requests.wait(Deadline::NEVER, || true);
    }
}

/// Returns whether there was room.
fn push(ring: &mut Producer, frame: &[u8]) -> Result<bool> {
    match ring.try_push(&[frame]) {
        Err(PushError::Full) => Ok(false),
        pushed => Ok(pushed.map(|()| true)?),
    }
}

/// A process that is killed when it is no longer needed.
pub(in crate::rows) struct Helper(Process<()>);

impl Helper {
    pub(in crate::rows) fn start<F, A>(f: F, arguments: A) -> Result<Self>
    where
        F: Function<A, Output = ()>,
        A: Serialize + DeserializeOwned,
    {
        Ok(Self(mp_process::spawn(f, arguments)?))
    }

    pub(in crate::rows) fn process(&self) -> &Child {
        &self.0
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // It can only be gone already.
        let _ = self.0.kill();
        self.0.wait();
    }
}

/// Workers that send each frame back.
pub(super) struct RingPool {
    workers: Vec<(Caller, Helper)>,
}

impl RingPool {
    pub(super) fn new(workers: usize) -> Result<Self> {
        let start = |_| {
            let (caller, region) = Caller::new()?;
            Ok((caller, Helper::start(echo, (region,))?))
        };
        Ok(Self { workers: (0..workers).map(start).collect::<Result<_>>()? })
    }

    /// Sends `count` numbers through the workers, `chunk` in a frame.
    pub(super) fn map(&mut self, count: usize, chunk: usize) -> Result<()> {
        const AT_ONCE: usize = 256;
        let frame: Vec<u8> = (0..chunk as u64).flat_map(u64::to_ne_bytes).collect();
        let frames = count.div_ceil(chunk);
        let (mut asked, mut taken) = (0, 0);
        let mut buffer = Vec::new();
        while taken < frames {
            let before = (asked, taken);
            for (worker, _) in &mut self.workers {
                asked += worker.ask(&frame, (frames - asked).min(AT_ONCE))?;
                taken += worker.take(&mut buffer)?;
            }
            if before == (asked, taken) {
                std::thread::yield_now();
            }
        }
        Ok(())
    }

    /// Sends a number to the first worker, and waits until it is back.
    pub(super) fn apply(&mut self, n: u64) -> Result<u64> {
        let mut reply = Vec::new();
        self.workers[0].0.call(&n.to_ne_bytes(), &mut reply)?;
        Ok(u64::from_ne_bytes(reply[..].try_into()?))
    }
}

fn echo(region: Region) {
    serve(&region, |request, reply| reply.extend_from_slice(request));
}
