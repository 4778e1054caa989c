//! Producers and consumers are killed all the time, and no message is lost but with a consumer that
//! had it, none comes twice, and each producer's come in order.
//!
//! Five seconds, or as many as `MP_CHAOS_SECONDS` says.

mod common {
    pub(crate) mod random;
    pub(crate) mod watchdog;
}

use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use common::random::Random;
use common::watchdog::watchdog;
use mp_handle::{Descriptor, Kind, Region};
use mp_process::{Builder, Process};
use mp_queue::{GetError, Queue};
use serde::{Deserialize, Serialize};

const PRODUCERS: usize = 3;
const CONSUMERS: usize = 2;

/// As many messages as a producer puts at most, for each second of the test.
const PER_SECOND: usize = 100_000;

const LEDGER: Kind = Kind::new(1000, "ledger");

/// What is known of the messages, in memory that survives all who are killed.
#[derive(Clone, Serialize, Deserialize)]
struct Ledger {
    region: Region,
    len: usize,
}

impl Ledger {
    fn new(seconds: usize) -> Ledger {
        let len = seconds * PER_SECOND;
        let region = Region::create(LEDGER, 0, PRODUCERS * 4 * (len + 2)).unwrap();
        Ledger { region, len }
    }

    fn word(&self, producer: usize, index: usize) -> &AtomicU32 {
        self.region.atomic_u32(4 * (producer * (self.len + 2) + index)).unwrap()
    }

    /// How many messages a producer began to put.
    fn begun(&self, producer: usize) -> &AtomicU32 {
        self.word(producer, 0)
    }

    /// How many of them it was told are put.
    fn put(&self, producer: usize) -> &AtomicU32 {
        self.word(producer, 1)
    }

    /// How often a message was got.
    fn got(&self, producer: usize, number: usize) -> &AtomicU32 {
        self.word(producer, 2 + number)
    }
}

#[derive(Serialize, Deserialize)]
struct Note {
    producer: usize,
    number: usize,
    filling: Vec<u8>,
    file: Option<Descriptor>,
}

impl Note {
    fn new(producer: usize, number: usize, null: &Descriptor) -> Note {
        let len = match number % 1000 {
            0 => 3_000_000,
            1..10 => 70_000,
            other => other / 4,
        };
        let file = (number % 16 == 5).then(|| null.clone());
        Note { producer, number, filling: vec![number as u8; len], file }
    }

    fn is_whole(&self, null: &Descriptor) -> bool {
        let expected = Note::new(self.producer, self.number, null);
        self.filling == expected.filling && self.file.is_some() == expected.file.is_some()
    }
}

fn null() -> Descriptor {
    Descriptor::from(OwnedFd::from(File::open("/dev/null").unwrap()))
}

fn produce(queue: Queue<Note>, ledger: Ledger, producer: usize) {
    let null = null();
    loop {
        let number = ledger.begun(producer).load(SeqCst) as usize;
        if number == ledger.len {
            std::thread::park();
            continue;
        }
        ledger.begun(producer).store(number as u32 + 1, SeqCst);
        queue.put(Note::new(producer, number, &null)).unwrap();
        ledger.put(producer).store(number as u32 + 1, SeqCst);
    }
}

/// Notes a message, of a producer of which `last` was the last one that this consumer got.
fn note(note: &Note, ledger: &Ledger, last: &mut [Option<usize>], null: &Descriptor) {
    ledger.got(note.producer, note.number).fetch_add(1, SeqCst);
    assert!(note.is_whole(null), "message {} is torn", note.number);
    let last = last[note.producer].replace(note.number);
    assert!(last < Some(note.number), "{last:?} before {}", note.number);
}

fn consume(queue: Queue<Note>, ledger: Ledger) {
    let (null, mut last) = (null(), [None; PRODUCERS]);
    loop {
        note(&queue.get().unwrap(), &ledger, &mut last, &null);
    }
}

struct Chaos {
    queue: Queue<Note>,
    ledger: Ledger,
    producers: Vec<Process<()>>,
    consumers: Vec<Process<()>>,
    /// Messages whose producers were killed before they knew whether they had put them.
    open: Vec<(usize, usize)>,
    consumers_killed: usize,
}

/// Should the test fail, nobody waits for its children.
fn daemon() -> Builder {
    Process::builder().daemon(true)
}

fn kill(victim: Process<()>) {
    // One that ended by itself has found something wrong.
    victim.kill().unwrap();
    let error = victim.join().unwrap_err();
    assert!(error.to_string().contains("signal"), "{error}");
}

impl Chaos {
    fn start(seconds: usize) -> Chaos {
        let queue = Queue::builder().max_bytes(8 << 20).build().unwrap();
        let ledger = Ledger::new(seconds);
        let (producers, consumers) = (Vec::new(), Vec::new());
        let open = Vec::new();
        let mut chaos = Chaos { queue, ledger, producers, consumers, open, consumers_killed: 0 };
        (0..PRODUCERS).for_each(|producer| chaos.start_producer(producer));
        (0..CONSUMERS).for_each(|_| chaos.start_consumer());
        chaos
    }

    fn start_producer(&mut self, producer: usize) {
        let args = (self.queue.clone(), self.ledger.clone(), producer);
        self.producers.insert(producer, daemon().spawn(produce, args).unwrap());
    }

    fn start_consumer(&mut self) {
        let args = (self.queue.clone(), self.ledger.clone());
        self.consumers.push(daemon().spawn(consume, args).unwrap());
    }

    fn kill_producer(&mut self, producer: usize) {
        kill(self.producers.remove(producer));
        let begun = self.ledger.begun(producer).load(SeqCst);
        if self.ledger.put(producer).swap(begun, SeqCst) != begun {
            self.open.push((producer, begun as usize - 1));
        }
    }

    fn kill_consumer(&mut self, consumer: usize) {
        kill(self.consumers.remove(consumer));
        self.consumers_killed += 1;
    }

    /// Kills one of them, and starts another.
    fn strike(&mut self, random: &mut Random) {
        match random.below(5) as usize {
            producer @ 0..PRODUCERS => {
                self.kill_producer(producer);
                self.start_producer(producer);
            }
            other => {
                self.kill_consumer(other - PRODUCERS);
                self.start_consumer();
            }
        }
    }

    /// Kills all, drains the queue, and compares.
    fn settle(mut self) {
        (0..PRODUCERS).for_each(|_| {
            let producer = self.producers.len() - 1;
            self.kill_producer(producer);
        });
        (0..CONSUMERS).for_each(|_| self.kill_consumer(0));
        let (null, mut last) = (null(), [None; PRODUCERS]);
        loop {
            match self.queue.try_get() {
                Ok(message) => note(&message, &self.ledger, &mut last, &null),
                Err(GetError::Empty) => break,
                Err(error) => panic!("{error}"),
            }
        }
        let (mut lost, mut all) = (0, 0);
        for producer in 0..PRODUCERS {
            for number in 0..self.ledger.put(producer).load(SeqCst) as usize {
                let got = self.ledger.got(producer, number).load(SeqCst);
                assert!(got <= 1, "message {number} came {got} times");
                all += 1;
                lost += usize::from(got == 0 && !self.open.contains(&(producer, number)));
            }
        }
        println!("{all} messages, {} open, {lost} lost with consumers", self.open.len());
        assert!(lost <= self.consumers_killed, "{lost} of {all} messages are lost");
        assert!(all > 100, "too few messages");
    }
}

#[mp_process::test]
fn every_acknowledged_message_comes_once() {
    let seconds = std::env::var("MP_CHAOS_SECONDS").ok().and_then(|text| text.parse().ok());
    let seconds = seconds.unwrap_or(5);
    let _watchdog = (seconds < 60).then(watchdog);
    let (mut chaos, mut random) = (Chaos::start(seconds), Random::new(1));
    let end = Instant::now() + Duration::from_secs(seconds as u64);
    while Instant::now() < end {
        let moment = Instant::now() + Duration::from_micros(random.below(8000).into());
        while Instant::now() < moment {
            std::hint::spin_loop();
        }
        chaos.strike(&mut random);
    }
    chaos.settle();
}
