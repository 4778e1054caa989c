//! How workers report what they have done: spans of neighbouring tasks, through a ring.
//!
//! A span is published before the last result of its chunk, so who has that result finds the span.
//! If the ring is full the span is lost, and its time still counts: each bears the sum so far.

use mp_handle::{Consumer, Frames, Kind, Producer, Region, RegionError, RingError, ring_size};

use crate::protocol::now;

const KIND: Kind = Kind::new(0x11, "pool reports");
const RING: usize = 64 << 10;

/// Shorter tasks of a chunk that follow each other are reported together.
const GRAIN: u64 = 100_000;

/// Makes the region for the reports of a new worker.
pub(crate) fn create_region() -> Result<Region, RegionError> {
    Region::create(KIND, 0, ring_size(RING))
}

/// Tasks of one chunk that a worker has run one after the other. Times are nanoseconds on the
/// monotonic clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    /// The chunk.
    pub(crate) seq: u32,
    /// The first task, counted in the chunk, and how many there are.
    pub(crate) first: u32,
    pub(crate) count: u32,
    pub(crate) failed: u32,
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// The task that took longest, counted in the chunk, and how long.
    pub(crate) slowest: u32,
    pub(crate) longest: u64,
    /// How long the worker has worked in all its life.
    pub(crate) busy: u64,
}

const WORDS: usize = 9;

impl Span {
    fn encode(&self) -> [u8; 8 * WORDS] {
        let narrow = [self.seq, self.first, self.count, self.failed, self.slowest].map(u64::from);
        let wide = [self.start, self.end, self.longest, self.busy];
        let mut bytes = [0; 8 * WORDS];
        for (bytes, word) in bytes.chunks_exact_mut(8).zip(narrow.into_iter().chain(wide)) {
            bytes.copy_from_slice(&word.to_ne_bytes());
        }
        bytes
    }

    /// Reads a frame; what makes no sense is none.
    fn decode(frame: &[u8]) -> Option<Self> {
        let frame: &[u8; 8 * WORDS] = frame.try_into().ok()?;
        let word = |at: usize| u64::from_ne_bytes(std::array::from_fn(|i| frame[8 * at + i]));
        let narrow = |at| u32::try_from(word(at)).ok();
        let span = Self {
            seq: narrow(0)?,
            first: narrow(1)?,
            count: narrow(2)?,
            failed: narrow(3)?,
            slowest: narrow(4)?,
            start: word(5),
            end: word(6),
            longest: word(7),
            busy: word(8),
        };
        (span.start <= span.end && span.end <= now()).then_some(span)
    }
}

/// The worker's side.
pub(crate) struct Reporter {
    ring: Producer,
    span: Span,
    /// The number of tasks of the chunk.
    count: u32,
}

impl Reporter {
    pub(crate) fn new(region: &Region) -> Result<Self, RingError> {
        let ring = Producer::attach(region, 0, RING)?;
        Ok(Self { ring, span: Span::default(), count: 0 })
    }

    /// A chunk begins; returns when.
    pub(crate) fn begin(&mut self, seq: u32, count: usize) -> u64 {
        let now = now();
        self.count = count as u32;
        self.span = Span { seq, start: now, end: now, busy: self.span.busy, ..Span::default() };
        now
    }

    /// The next task of the chunk has ended; returns when.
    pub(crate) fn end(&mut self, failed: bool) -> u64 {
        let (now, span) = (now(), &mut self.span);
        let took = now.saturating_sub(span.end);
        if took > span.longest {
            (span.slowest, span.longest) = (span.first + span.count, took);
        }
        span.busy += took;
        span.end = now;
        span.count += 1;
        span.failed += u32::from(failed);
        let next = span.first + span.count;
        if next == self.count || now - span.start >= GRAIN {
            // If there is no room, the next span tells of the time.
            let _ = self.ring.try_push(&[&span.encode()]);
            *span = Span {
                first: next,
                start: now,
                seq: span.seq,
                end: now,
                busy: span.busy,
                ..Span::default()
            };
        }
        now
    }
}

/// The parent's side.
pub(crate) struct Reports {
    ring: Consumer,
    buffer: Vec<u8>,
}

impl Reports {
    pub(crate) fn new(region: &Region) -> Result<Self, RingError> {
        Ok(Self { ring: Consumer::attach(region, 0, RING)?, buffer: Vec::new() })
    }

    /// Takes the reports so far. Nonsense ends them; it harms nothing but the picture.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = Span> + '_ {
        self.buffer.clear();
        let _ = self.ring.drain(&mut self.buffer);
        Frames::new(&self.buffer).map_while(Result::ok).filter_map(Span::decode)
    }
}

#[cfg(test)]
mod tests {
    use super::{Reporter, Reports, create_region};

    #[test]
    fn short_tasks_are_reported_together_and_chunks_apart() {
        let region = create_region().unwrap();
        let mut reporter = Reporter::new(&region).unwrap();
        let mut reports = Reports::new(&region).unwrap();
        for seq in 0..2 {
            reporter.begin(seq, 5);
            for index in 0..5 {
                reporter.end(index == 3);
            }
        }
        let spans: Vec<_> = reports.take().collect();
        for seq in 0..2 {
            let of_chunk: Vec<_> = spans.iter().filter(|span| span.seq == seq).collect();
            assert_eq!(of_chunk.iter().map(|span| span.count).sum::<u32>(), 5);
            assert_eq!(of_chunk.iter().map(|span| span.failed).sum::<u32>(), 1);
            let mut next = 0;
            for span in of_chunk {
                assert!(span.first == next && span.start <= span.end);
                assert!((span.first..span.first + span.count).contains(&span.slowest));
                next += span.count;
            }
        }
        let busy: u64 = spans.iter().map(|span| span.end - span.start).sum();
        assert_eq!(spans.last().unwrap().busy, busy);
    }

    #[test]
    fn a_full_ring_costs_spans_and_not_the_time() {
        let region = create_region().unwrap();
        let mut reporter = Reporter::new(&region).unwrap();
        let mut reports = Reports::new(&region).unwrap();
        for seq in 0..10_000 {
            reporter.begin(seq, 1);
            reporter.end(false);
        }
        assert!(reports.take().count() < 10_000);
        reporter.begin(10_000, 1);
        reporter.end(false);
        let last = reports.take().last().unwrap();
        assert_eq!(last.seq, 10_000);
        assert!(last.busy > last.end - last.start);
    }
}
