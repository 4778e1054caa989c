//! `Semaphore` and `BoundedSemaphore`: so many at a time, among threads and among processes.
#![allow(unsafe_code)]

mod common {
    pub(crate) mod fork;
    pub(crate) mod parcel;
    pub(crate) mod random;
    pub(crate) mod watchdog;
}

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::{Duration, Instant};

use common::fork::fork;
use common::parcel::arrive;
use common::random::Random;
use common::watchdog::watchdog;
use mp_handle::{Kind, Region};
use mp_process::spawn;
use mp_sync::{BoundedSemaphore, Event, RegionError, Semaphore};

const TURNS: u32 = 5_000;

/// In a region's file: its header, the words before the slots, and the slots.
const WORDS: u64 = 64;
const SLOTS: u64 = WORDS + 64;

fn name(test: &str) -> String {
    format!("semaphore-{test}-{}", std::process::id())
}

#[test]
fn smoke() {
    let semaphore = Semaphore::new(2).unwrap();
    let (first, second) = (semaphore.acquire(), semaphore.try_acquire().unwrap());
    assert!(semaphore.try_acquire().is_none());
    drop(first);
    assert_eq!(semaphore.available(), 1);
    drop(semaphore.acquire_timeout(Duration::ZERO).unwrap());
    drop(second);
    assert_eq!(semaphore.available(), 2);
    assert_eq!(format!("{semaphore:?}"), "Semaphore { available: 2, limit: 4000 }");
}

/// Counts those who are inside at a time.
fn take_turns(semaphore: Semaphore, inside: Region, permits: u32) {
    let inside = inside.atomic_u32(0).unwrap();
    for _ in 0..TURNS {
        let permit = semaphore.acquire();
        assert!(inside.fetch_add(1, SeqCst) < permits);
        inside.fetch_sub(1, SeqCst);
        drop(permit);
    }
}

fn counter() -> Region {
    Region::create(Kind::new(1000, "counter"), 0, 64).unwrap()
}

#[test]
fn threads_keep_to_the_permits() {
    let _watchdog = watchdog();
    let (semaphore, inside) = (Semaphore::new(2).unwrap(), counter());
    thread::scope(|scope| {
        for second_mapping in [false, true, false, true] {
            let own = if second_mapping { arrive(&semaphore) } else { semaphore.clone() };
            scope.spawn(|| take_turns(own, inside.clone(), 2));
        }
    });
    assert_eq!(semaphore.available(), 2);
}

#[mp_process::test]
fn processes_keep_to_the_permits() {
    let _watchdog = watchdog();
    let (semaphore, inside) = (Semaphore::new(2).unwrap(), counter());
    let begin = || spawn(take_turns, (semaphore.clone(), inside.clone(), 2)).unwrap();
    let children = [(); 3].map(|()| begin());
    take_turns(semaphore.clone(), inside.clone(), 2);
    children.into_iter().for_each(|child| child.join().unwrap());
    assert_eq!(semaphore.available(), 2);
}

fn answer(ping: Semaphore, pong: Semaphore) {
    for _ in 0..TURNS {
        ping.acquire().forget();
        pong.release().unwrap();
    }
}

#[mp_process::test]
fn a_permit_is_forgotten_here_and_released_there() {
    let _watchdog = watchdog();
    let [ping, pong] = [(); 2].map(|()| Semaphore::new(0).unwrap());
    let child = spawn(answer, (ping.clone(), pong.clone())).unwrap();
    for _ in 0..TURNS {
        ping.release().unwrap();
        pong.acquire().forget();
    }
    child.join().unwrap();
    assert_eq!([ping.available(), pong.available()], [0, 0]);
}

#[test]
fn a_permit_may_be_given_back_by_another_thread() {
    let semaphore = Semaphore::new(1).unwrap();
    let permit = semaphore.acquire();
    thread::scope(|scope| drop(scope.spawn(|| drop(permit))));
    assert_eq!(semaphore.available(), 1);
}

#[test]
fn no_more_than_the_limit_is_released() {
    let semaphore = Semaphore::with_limit(1, 3).unwrap();
    semaphore.release().unwrap();
    let permit = semaphore.acquire();
    semaphore.release().unwrap();
    let error = semaphore.release().unwrap_err();
    assert_eq!(error.limit, 3);
    assert!(error.to_string().starts_with("semaphore released too many times"), "{error}");
    drop(permit);
    assert_eq!(semaphore.available(), 3);
    assert_eq!(Semaphore::with_limit(5, 0).unwrap().limit(), 5);
}

#[test]
fn a_bounded_one_is_not_released_without_being_acquired() {
    let semaphore = BoundedSemaphore::new(2).unwrap();
    assert_eq!(semaphore.release().unwrap_err().limit, 2);
    let permit = semaphore.acquire();
    // Its holder gives it back; nobody else can.
    assert!(semaphore.release().is_err());
    permit.forget();
    assert_eq!(semaphore.available(), 1);
    semaphore.release().unwrap();
    assert!(semaphore.release().is_err());
    assert!(BoundedSemaphore::new(0).unwrap().try_acquire().is_none());
}

#[test]
fn thousands_of_permits_are_had_at_the_same_time() {
    let semaphore = Semaphore::new(5000).unwrap();
    let mut permits: Vec<_> = std::iter::from_fn(|| semaphore.try_acquire()).collect();
    assert_eq!(permits.len(), 5000);
    let mut random = Random::new(7);
    while !permits.is_empty() {
        drop(permits.swap_remove(random.below(permits.len() as u32) as usize));
        assert_eq!(semaphore.available() as usize, 5000 - permits.len());
        drop(semaphore.acquire());
    }
}

#[test]
fn a_wait_ends_at_its_deadline_and_not_before() {
    let _watchdog = watchdog();
    let semaphore = Semaphore::new(0).unwrap();
    assert!(semaphore.acquire_timeout(Duration::ZERO).is_none());
    for timeout in [1, 30, 120].map(Duration::from_millis) {
        let start = Instant::now();
        assert!(semaphore.acquire_timeout(timeout).is_none());
        assert!(start.elapsed() >= timeout);
    }
}

#[test]
fn an_endless_time_out_waits_for_the_release() {
    let _watchdog = watchdog();
    for timeout in [Duration::MAX, Duration::from_secs(u64::MAX / 2)] {
        let semaphore = Semaphore::new(0).unwrap();
        thread::scope(|scope| {
            let waiter = scope.spawn(|| semaphore.acquire_timeout(timeout).is_some());
            semaphore.release().unwrap();
            assert!(waiter.join().unwrap());
        });
    }
}

#[test]
fn a_handle_is_not_text() {
    let error = serde_json::to_string(&Semaphore::new(1).unwrap()).unwrap_err();
    assert!(error.to_string().contains("Parcel"), "{error}");
}

#[test]
fn a_name_leads_to_the_same_permits() {
    let name = name("name");
    let created = Semaphore::create(&name, 3).unwrap();
    let opened = [Semaphore::open(&name), Semaphore::open_or_create(&name, 9)].map(Result::unwrap);
    let _permit = created.acquire();
    assert_eq!(opened.map(|opened| opened.available()), [2, 2]);
    assert!(matches!(Semaphore::create(&name, 1), Err(RegionError::Exists { .. })));
    let error = BoundedSemaphore::open(&name).unwrap_err().to_string();
    assert!(error.starts_with("expected bounded semaphore"), "{error}");
    assert!(error.contains("found semaphore"), "{error}");
    Semaphore::unlink(&name).unwrap();
    assert!(matches!(Semaphore::open(&name), Err(RegionError::NotFound { .. })));
    assert_eq!(BoundedSemaphore::open_or_create(&name, 2).unwrap().limit(), 2);
    BoundedSemaphore::unlink(&name).unwrap();
}

/// Runs in a process of its own: none of its threads is in the midst of something when it forks.
fn fork_with_a_permit() {
    let semaphore = Semaphore::new(2).unwrap();
    let permit = semaphore.acquire();
    let child = fork(|| {
        let own = semaphore.acquire();
        // SAFETY: `permit` is not used again in this process.
        drop(unsafe { std::ptr::read(&raw const permit) });
        let left = semaphore.available();
        std::mem::forget(own);
        left as u8
    });
    assert_eq!(child.join(), Some(0));
    assert!(semaphore.try_acquire().is_some(), "what the child had comes back");
    drop(permit);
    assert_eq!(semaphore.available(), 2);
}

#[mp_process::test]
fn a_forked_child_gives_nothing_back() {
    let _watchdog = watchdog();
    spawn(fork_with_a_permit, ()).unwrap().join().unwrap();
}

fn stay_with_a_permit(semaphore: Semaphore, held: Event) {
    let _permit = semaphore.acquire();
    held.set();
    loop {
        thread::park();
    }
}

/// The slot names a process by number and birth: with another birth, it is a dead one's whose
/// number was given again.
#[mp_process::test]
fn a_number_given_again_holds_no_permit() {
    let _watchdog = watchdog();
    let name = name("reuse");
    let semaphore = Semaphore::create(&name, 1).unwrap();
    let file = OpenOptions::new().read(true).write(true).open(format!("/dev/shm/mp.{name}"));
    let file = file.unwrap();
    let held = Event::new().unwrap();
    let child = spawn(stay_with_a_permit, (semaphore.clone(), held.clone())).unwrap();
    held.wait();
    assert!(semaphore.try_acquire().is_none(), "its holder lives");

    let mut slot = [0; 8];
    file.read_exact_at(&mut slot, SLOTS).unwrap();
    let holder = u64::from_ne_bytes(slot);
    assert_eq!(holder >> 32, u64::from(child.pid()));
    file.write_all_at(&(holder ^ 1).to_ne_bytes(), SLOTS).unwrap();
    assert!(semaphore.try_acquire().is_some(), "its holder is another process");
    child.kill().unwrap();
    Semaphore::unlink(&name).unwrap();
}

/// Does all that can be done; what comes of it is the peer's fault, but it comes.
fn use_all(semaphore: &Semaphore) {
    let timeout = Duration::from_millis(1);
    let permits = [semaphore.try_acquire(), semaphore.acquire_timeout(timeout)];
    let _ = semaphore.release();
    permits.into_iter().flatten().for_each(|permit| permit.forget());
    drop(semaphore.acquire_timeout(Duration::ZERO));
    assert!(semaphore.available() <= semaphore.limit());
}

#[test]
fn whatever_a_peer_leaves_in_memory_ends_no_process_and_no_wait() {
    let _watchdog = watchdog();
    let name = name("garbage");
    let semaphore = Semaphore::create(&name, 10).unwrap();
    let path = format!("/dev/shm/mp.{name}");
    let file = OpenOptions::new().write(true).open(path).unwrap();
    let mut random = Random::new(3);
    for _ in 0..300 {
        for word in (WORDS..SLOTS + 32).step_by(4) {
            let value = match random.below(4) {
                0 => random.below(u32::MAX),
                1 => random.below(5),
                2 => std::process::id(),
                _ => continue,
            };
            file.write_all_at(&value.to_ne_bytes(), word).unwrap();
        }
        use_all(&semaphore);
        match Semaphore::open(&name) {
            Ok(opened) => use_all(&opened),
            Err(error) => assert!(matches!(error, RegionError::Truncated { .. }), "{error}"),
        }
    }
    Semaphore::unlink(&name).unwrap();
}
