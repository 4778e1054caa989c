//! `Event`: all who wait go on, among threads and among processes.

mod common {
    pub(crate) mod parcel;
    pub(crate) mod random;
    pub(crate) mod watchdog;
}

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use common::parcel::arrive;
use common::random::Random;
use common::watchdog::watchdog;
use mp_process::spawn;
use mp_sync::{Event, Lock, RegionError};

fn name(test: &str) -> String {
    format!("event-{test}-{}", std::process::id())
}

#[test]
fn smoke() {
    let event = Event::new().unwrap();
    assert!(!event.is_set() && !event.wait_timeout(Duration::ZERO));
    event.set();
    event.set();
    event.wait();
    assert!(event.is_set() && event.wait_timeout(Duration::ZERO));
    event.clear();
    assert_eq!(format!("{event:?}"), "Event { is_set: false }");
}

#[test]
fn threads_go_on_and_see_what_was_done_before() {
    let _watchdog = watchdog();
    let (event, done) = (Event::new().unwrap(), AtomicU64::new(0));
    thread::scope(|scope| {
        for second_mapping in [false, true, false] {
            let event = if second_mapping { arrive(&event) } else { event.clone() };
            let done = &done;
            scope.spawn(move || {
                event.wait();
                assert_eq!(done.load(Relaxed), 7);
            });
        }
        done.store(7, Relaxed);
        event.set();
    });
}

fn relay(mine: Event, next: Event) {
    mine.wait();
    next.set();
}

#[mp_process::test]
fn processes_pass_it_on() {
    let _watchdog = watchdog();
    let events = [(); 4].map(|()| Event::new().unwrap());
    let pairs = events.windows(2).map(|pair| (pair[0].clone(), pair[1].clone()));
    let children: Vec<_> = pairs.map(|pair| spawn(relay, pair).unwrap()).collect();
    events[0].set();
    events[3].wait();
    children.into_iter().for_each(|child| child.join().unwrap());
    assert!(events.iter().all(Event::is_set));
}

const ROUNDS: u32 = 2_000;

fn answer(ping: Event, pong: Event) {
    for _ in 0..ROUNDS {
        ping.wait();
        ping.clear();
        pong.set();
    }
}

#[mp_process::test]
fn two_processes_take_turns() {
    let _watchdog = watchdog();
    let [ping, pong] = [(); 2].map(|()| Event::new().unwrap());
    let child = spawn(answer, (ping.clone(), pong.clone())).unwrap();
    for _ in 0..ROUNDS {
        ping.set();
        pong.wait();
        pong.clear();
    }
    child.join().unwrap();
}

#[test]
fn a_wait_ends_at_its_deadline_and_not_before() {
    let _watchdog = watchdog();
    let event = Event::new().unwrap();
    for timeout in [1, 30, 120].map(Duration::from_millis) {
        let start = Instant::now();
        assert!(!event.wait_timeout(timeout));
        assert!(start.elapsed() >= timeout);
    }
}

#[test]
fn an_endless_time_out_waits_for_the_event() {
    let _watchdog = watchdog();
    for timeout in [Duration::MAX, Duration::from_secs(u64::MAX / 2)] {
        let event = Event::new().unwrap();
        thread::scope(|scope| {
            let waiter = scope.spawn(|| event.wait_timeout(timeout));
            event.set();
            assert!(waiter.join().unwrap());
        });
    }
}

#[test]
fn a_handle_is_not_text() {
    let error = serde_json::to_string(&Event::new().unwrap()).unwrap_err();
    assert!(error.to_string().contains("Parcel"), "{error}");
}

#[test]
fn a_name_leads_to_the_same_event() {
    let name = name("name");
    let created = Event::create(&name).unwrap();
    let opened = [Event::open(&name), Event::open_or_create(&name)].map(Result::unwrap);
    created.set();
    assert!(opened.iter().all(Event::is_set));
    assert!(matches!(Event::create(&name), Err(RegionError::Exists { .. })));
    let error = Lock::open(&name).unwrap_err().to_string();
    assert!(error.contains("expected lock") && error.contains("found event"), "{error}");
    Event::unlink(&name).unwrap();
    assert!(matches!(Event::open(&name), Err(RegionError::NotFound { .. })));
}

#[test]
fn whatever_a_peer_leaves_in_memory_ends_no_process_and_no_wait() {
    let _watchdog = watchdog();
    let name = name("garbage");
    let event = Event::create(&name).unwrap();
    let file = OpenOptions::new().write(true).open(format!("/dev/shm/mp.{name}")).unwrap();
    let mut random = Random::new(5);
    for _ in 0..300 {
        for word in [64, 68] {
            let value = random.below(u32::MAX) >> random.below(32);
            file.write_all_at(&value.to_ne_bytes(), word).unwrap();
        }
        let _ = event.wait_timeout(Duration::from_micros(100));
        event.set();
        assert!(event.is_set() && event.wait_timeout(Duration::MAX));
        event.clear();
        assert!(!event.is_set());
    }
    Event::unlink(&name).unwrap();
}
