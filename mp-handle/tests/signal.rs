//! Signals and bells: sleeping until another has changed something.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use mp_handle::{Bell, Deadline, Kind, Region, SLICE, Signal, Waited};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::thread::{futex, gettid};

const PAD: Kind = Kind::new(1000, "pad");

/// A signal and a word, each mapped twice, as two processes would have them.
struct Pair {
    regions: [Region; 2],
}

impl Pair {
    fn new() -> Pair {
        let region = Region::create(PAD, 0, 128).unwrap();
        let peer = Region::from_descriptor(region.descriptor().clone(), PAD, 0).unwrap();
        Pair { regions: [region, peer] }
    }

    fn side(&self, side: usize) -> (Signal, &AtomicU32) {
        let region = &self.regions[side];
        (Signal::at(region, 0).unwrap(), region.atomic_u32(64).unwrap())
    }
}

/// Tells whether the kernel has put the thread to sleep.
fn is_blocked(thread: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/self/task/{thread}/stat"));
    stat.is_ok_and(|text| text.contains(") S "))
}

/// Tells whether somebody sleeps at the signal, by looking at its first word.
fn is_sleeping(region: &Region) -> bool {
    region.atomic_u32(0).unwrap().load(Ordering::SeqCst) != 0
}

fn readable(bell: &Bell, timeout: Duration) -> bool {
    let timeout = Timespec::try_from(timeout).unwrap();
    let mut fds = [PollFd::new(bell, PollFlags::IN)];
    poll(&mut fds, Some(&timeout)).unwrap() == 1
}

#[test]
fn what_is_there_is_not_waited_for() {
    let pair = Pair::new();
    let (signal, _) = pair.side(0);
    let waited = signal.wait_until(Deadline::now(), || true, || false);
    assert_eq!(waited, Waited::Ready);
}

#[test]
fn a_sleeper_is_woken_across_two_mappings() {
    let pair = Pair::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            let (signal, word) = pair.side(1);
            for round in 1..=1000 {
                word.store(round, Ordering::Release);
                signal.notify();
                // Every tenth round begins with the other side asleep.
                while round % 10 == 0 && round < 1000 && !is_sleeping(&pair.regions[1]) {
                    thread::yield_now();
                }
            }
        });
        let (signal, word) = pair.side(0);
        let mut seen = 0;
        while seen < 1000 {
            let news = || word.load(Ordering::Acquire) != seen;
            assert_eq!(signal.wait_until(Deadline::NEVER, news, || true), Waited::Ready);
            seen = word.load(Ordering::Acquire);
        }
    });
}

#[test]
fn to_notify_wakes_at_once_and_not_by_the_slice() {
    let pair = Pair::new();
    let word = pair.regions[0].atomic_u32(0).unwrap();
    let sleeper = AtomicI32::new(0);
    word.store(1, Ordering::SeqCst);
    thread::scope(|scope| {
        scope.spawn(|| {
            sleeper.store(gettid().as_raw_nonzero().get(), Ordering::SeqCst);
            // A sleeper without slices: nothing but the wake ends its sleep.
            while word.load(Ordering::SeqCst) == 1 {
                let _ = futex::wait(word, futex::Flags::empty(), 1, None);
            }
        });
        while !is_blocked(sleeper.load(Ordering::SeqCst)) {
            thread::yield_now();
        }
        pair.side(1).0.notify();
    });
}

#[test]
fn a_wake_lost_to_a_kill_costs_one_slice() {
    let pair = Pair::new();
    let (signal, word) = pair.side(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_sleeping(&pair.regions[1]) {
                thread::yield_now();
            }
            pair.side(1).1.store(1, Ordering::Release);
        });
        let ready = || word.load(Ordering::Acquire) == 1;
        assert_eq!(signal.wait_until(Deadline::NEVER, ready, || true), Waited::Ready);
    });
}

#[test]
fn deadlines_do_not_come_early() {
    let pair = Pair::new();
    let (signal, _) = pair.side(0);
    for millis in [0, 1, 30, 120] {
        let timeout = Duration::from_millis(millis);
        let start = Instant::now();
        let waited = signal.wait_until(Deadline::after(timeout), || false, || true);
        assert_eq!(waited, Waited::TimedOut);
        assert!(start.elapsed() >= timeout);
    }
    assert!(!is_sleeping(&pair.regions[0]), "the flag is taken back");
}

#[test]
fn a_dead_peer_ends_the_wait_at_once_and_later() {
    let pair = Pair::new();
    let (signal, _) = pair.side(0);
    let waited = signal.wait_until(Deadline::NEVER, || false, || false);
    assert_eq!(waited, Waited::PeerGone);

    let alive = AtomicBool::new(true);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_sleeping(&pair.regions[1]) {
                thread::yield_now();
            }
            alive.store(false, Ordering::SeqCst);
        });
        let is_alive = || alive.load(Ordering::SeqCst);
        let waited = signal.wait_until(Deadline::NEVER, || false, is_alive);
        assert_eq!(waited, Waited::PeerGone);
    });
}

#[test]
fn what_a_peer_did_before_its_end_counts() {
    let pair = Pair::new();
    let (signal, word) = pair.side(0);
    let ready = || word.load(Ordering::Acquire) == 1;
    let dies_after_publishing = || {
        word.store(1, Ordering::Release);
        false
    };
    let waited = signal.wait_until(Deadline::NEVER, ready, dies_after_publishing);
    assert_eq!(waited, Waited::Ready);
}

#[test]
fn garbage_in_the_words_neither_wakes_for_good_nor_hangs() {
    let pair = Pair::new();
    let (signal, _) = pair.side(0);
    pair.regions[1].write(0, &[0xff; 64]).unwrap();
    signal.notify();
    pair.regions[1].write(0, &[0xff; 64]).unwrap();
    let deadline = Deadline::after(Duration::from_millis(20));
    assert_eq!(signal.wait_until(deadline, || false, || true), Waited::TimedOut);
}

#[test]
fn a_bell_rings_only_for_who_listens() {
    let bell = Bell::new().unwrap();
    assert_eq!(bell.ringer_cpu(), None);
    bell.ring();
    assert!(!readable(&bell, Duration::ZERO));
    assert!(bell.ringer_cpu().is_some());

    bell.arm();
    bell.ring();
    bell.ring();
    assert!(readable(&bell, Duration::ZERO));
    assert!(bell.clear().unwrap());
    assert!(!bell.clear().unwrap(), "rung once, by the first");

    bell.arm();
    bell.disarm();
    bell.ring();
    assert!(!readable(&bell, Duration::ZERO));
}

#[test]
fn a_listener_hears_every_change() {
    const ROUNDS: u32 = 1000;
    let bell = Bell::new().unwrap();
    let state = AtomicU32::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 1..=ROUNDS {
                state.store(round, Ordering::Release);
                bell.clone().ring();
            }
        });
        let is_done = || state.load(Ordering::Acquire) == ROUNDS;
        while !bell.spin(Deadline::NEVER, is_done) && !is_done() {
            bell.arm();
            if !is_done() {
                readable(&bell, SLICE);
            }
            bell.clear().unwrap();
            bell.disarm();
        }
    });
}

#[test]
fn deadlines_saturate_and_are_ordered() {
    assert_eq!(Deadline::after(Duration::MAX), Deadline::NEVER);
    assert_eq!(Deadline::NEVER.remaining(), None);
    assert!(!Deadline::NEVER.is_expired());
    assert!(Deadline::now().is_expired());
    assert_eq!(Deadline::now().remaining(), Some(Duration::ZERO));
    assert!(Deadline::now() < Deadline::after(Duration::from_secs(1)));
    assert!(Deadline::after(Duration::from_secs(1)) < Deadline::NEVER);
}
