//! What others leave behind, in the shared words or on the thread's list, harms nobody.
#![allow(unsafe_code)]

mod common {
    pub(crate) mod random;
    pub(crate) mod scribble;
    pub(crate) mod watchdog;
}

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::process;
use std::thread;
use std::time::Duration;

use common::random::Random;
use common::scribble::Scribble;
use common::watchdog::watchdog;
use mp_process::spawn;
use mp_sync::{Lock, LockError, RLock};

const SHORT: Duration = Duration::from_micros(300);

/// Numbers that mean something: no one, the first process, this one, this thread, nobody.
fn ids() -> [u32; 5] {
    let thread = rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs();
    [0, 1, process::id(), thread, (1 << 30) - 1]
}

/// Whatever came of it, but not for longer than `SHORT`: the guard if there is one.
fn outcome<G: mp_sync::Guard>(taken: Result<Option<G>, LockError<G>>, recover: bool) -> Option<G> {
    match taken {
        Ok(guard) => guard,
        Err(LockError::OwnerDied(died)) if recover => Some(died.recover()),
        Err(LockError::OwnerDied(died)) => Some(died.into_inner()),
        Err(error) => {
            assert!(matches!(error, LockError::AlreadyHeld), "{error}");
            None
        }
    }
}

/// Each operation on words that hold anything, with guards that live across it.
macro_rules! torment {
    ($object:ident, $name:expr) => {{
        let name = format!("{}-{}", $name, process::id());
        let [first, second] = [$object::create(&name), $object::open(&name)].map(Result::unwrap);
        let (words, mut random) = (Scribble::on(&name), Random::new(7));
        $object::unlink(&name).unwrap();
        let mut guards = Vec::new();
        for _ in 0..3000 {
            words.scribble(&mut random, &ids());
            let handle = if random.below(2) == 0 { &first } else { &second };
            let recover = random.below(2) == 0;
            match random.below(6) {
                0 => guards.extend(outcome(handle.try_lock(), recover)),
                1 => guards.extend(outcome(handle.lock_timeout(SHORT), recover)),
                2 => guards.extend(outcome(handle.lock_timeout(Duration::ZERO), recover)),
                3 => drop(guards.pop()),
                4 => drop((!guards.is_empty()).then(|| guards.swap_remove(0))),
                _ => drop((handle.is_locked(), format!("{handle:?}"))),
            }
        }
        drop(guards);
        words.clean();
        for handle in [&first, &second] {
            drop(handle.lock_timeout(Duration::MAX).unwrap().unwrap());
            assert!(!handle.is_locked());
        }
    }};
}

fn list_is_sound() {
    let (inner, outer) = (Lock::new().unwrap(), Lock::new().unwrap());
    let guard = outer.lock().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| std::mem::forget(inner.lock().unwrap()));
    });
    assert!(matches!(inner.lock(), Err(LockError::OwnerDied(_))));
    drop(guard);
}

#[test]
fn any_words_in_a_lock_are_an_error_or_normal_work() {
    let _watchdog = watchdog();
    torment!(Lock, "any-lock");
    list_is_sound();
}

#[test]
fn any_words_in_a_recursive_lock_are_an_error_or_normal_work() {
    let _watchdog = watchdog();
    torment!(RLock, "any-rlock");
    list_is_sound();
}

#[mp_process::test]
fn a_peer_that_never_stops_scribbling_stops_nobody() {
    let _watchdog = watchdog();
    let name = format!("always-{}", process::id());
    let lock = Lock::create(&name).unwrap();
    let scribble = |name: String, ids: Vec<u32>| -> () {
        let (words, mut random) = (Scribble::on(&name), Random::new(9));
        loop {
            words.scribble(&mut random, &ids);
        }
    };
    let peer = spawn(scribble, (name.clone(), ids().to_vec())).unwrap();
    for turn in 0..3000 {
        let guard = outcome(lock.lock_timeout(SHORT), turn % 2 == 0);
        drop(outcome(lock.try_lock(), true));
        drop(guard);
    }
    peer.kill().unwrap();
    peer.join().unwrap_err();
    Scribble::on(&name).clean();
    Lock::unlink(&name).unwrap();
    drop(lock.lock().unwrap());
    list_is_sound();
}

#[test]
fn a_lock_that_a_peer_sets_free_is_not_given_to_two_threads() {
    let _watchdog = watchdog();
    let name = format!("set-free-{}", process::id());
    let lock = Lock::create(&name).unwrap();
    let words = Scribble::on(&name);
    Lock::unlink(&name).unwrap();
    let guard = lock.lock().unwrap();
    words.clean();
    thread::scope(|scope| {
        let second = scope.spawn(|| {
            assert!(lock.try_lock().unwrap().is_none());
            assert!(lock.lock_timeout(SHORT).unwrap().is_none());
        });
        second.join().unwrap();
    });
    drop(guard);
    drop(lock.lock().unwrap());
    list_is_sound();
}

#[test]
fn nobody_is_blamed_for_the_death_of_one_who_had_no_time_to_write_its_name() {
    let _watchdog = watchdog();
    let name = format!("nameless-{}", process::id());
    let lock = Lock::create(&name).unwrap();
    let words = Scribble::on(&name);
    Lock::unlink(&name).unwrap();
    let forget = || std::mem::forget(lock.lock().unwrap());
    thread::scope(|scope| scope.spawn(forget).join().unwrap());
    drop(lock.lock().or_else(LockError::recover).unwrap());
    words.leave_nameless();
    let Err(LockError::OwnerDied(died)) = lock.lock() else { panic!("nobody died") };
    assert_eq!(died.process(), None);
    assert!(died.to_string().starts_with("a process died"), "{died}");
}

/// A robust mutex of glibc, as a C library of the program might have.
struct CMutex(Box<UnsafeCell<libc::pthread_mutex_t>>);

// SAFETY: a mutex is for all threads.
unsafe impl Sync for CMutex {}

impl CMutex {
    fn new(protocol: libc::c_int) -> CMutex {
        let mutex = Box::new(UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER));
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: the attributes are made before they are used, and the mutex has a fixed place.
        let status = unsafe {
            let attributes = attributes.as_mut_ptr();
            libc::pthread_mutexattr_init(attributes)
                | libc::pthread_mutexattr_setrobust(attributes, libc::PTHREAD_MUTEX_ROBUST)
                | libc::pthread_mutexattr_setprotocol(attributes, protocol)
                | libc::pthread_mutex_init(mutex.get(), attributes)
        };
        assert_eq!(status, 0);
        CMutex(mutex)
    }

    fn lock(&self) -> libc::c_int {
        // SAFETY: the mutex was made by `new`, and lives as long as `self`.
        unsafe { libc::pthread_mutex_lock(self.0.get()) }
    }

    fn unlock(&self) {
        // SAFETY: as in `lock`; a mutex whose owner died may be declared consistent.
        let status = unsafe {
            libc::pthread_mutex_consistent(self.0.get());
            libc::pthread_mutex_unlock(self.0.get())
        };
        assert_eq!(status, 0);
    }
}

/// Locks of both worlds.
trait Both: Sync {
    /// Takes it; returns what gives it back.
    fn hold(&self) -> Box<dyn FnOnce() + '_>;

    /// Takes it, tells whether its owner died, and leaves it free.
    fn has_lost_its_owner(&self) -> bool;
}

impl Both for Lock {
    fn hold(&self) -> Box<dyn FnOnce() + '_> {
        let guard = self.lock().unwrap();
        Box::new(|| drop(guard))
    }

    fn has_lost_its_owner(&self) -> bool {
        match self.lock() {
            Ok(_) => false,
            Err(error) => error.recover().is_ok(),
        }
    }
}

impl Both for CMutex {
    fn hold(&self) -> Box<dyn FnOnce() + '_> {
        assert_eq!(self.lock(), 0);
        Box::new(|| self.unlock())
    }

    fn has_lost_its_owner(&self) -> bool {
        let status = self.lock();
        self.unlock();
        assert!(status == 0 || status == libc::EOWNERDEAD, "{status}");
        status == libc::EOWNERDEAD
    }
}

/// All orders of the numbers below `count`.
fn orders(count: usize) -> Vec<Vec<usize>> {
    let Some(last) = count.checked_sub(1) else { return vec![vec![]] };
    let insert = |order: Vec<usize>| {
        (0..count).map(move |at| {
            let mut order = order.clone();
            order.insert(at, last);
            order
        })
    };
    orders(last).into_iter().flat_map(insert).collect()
}

/// In each order, and each time only the first of them before the thread ends with the rest.
#[test]
fn locks_and_robust_mutexes_of_c_share_a_list_in_any_order() {
    let _watchdog = watchdog();
    let theirs = |protocol| Box::new(CMutex::new(protocol));
    let all: [Box<dyn Both>; 5] = [
        Box::new(Lock::new().unwrap()),
        theirs(libc::PTHREAD_PRIO_NONE),
        Box::new(Lock::new().unwrap()),
        theirs(libc::PTHREAD_PRIO_INHERIT),
        Box::new(Lock::new().unwrap()),
    ];
    for order in orders(all.len()) {
        let released = order[0] + 1;
        let work = || {
            let mut held: Vec<_> = all.iter().map(|lock| Some(lock.hold())).collect();
            order[..released].iter().for_each(|&which| held[which].take().unwrap()());
            std::mem::forget(held);
        };
        thread::scope(|scope| scope.spawn(work).join().unwrap());
        for (at, &which) in order.iter().enumerate() {
            assert_eq!(all[which].has_lost_its_owner(), at >= released, "{order:?} {which}");
        }
    }
}
