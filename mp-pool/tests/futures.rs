//! Futures: results that come later, may be cancelled, awaited, and waited for together.

mod common;

use std::future::Future as _;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use common::Watchdog;
use mp_handle::{Kind, Region};
use mp_pool::{Future, NotReady, Pool, TaskError, TaskErrorKind};

fn region() -> Region {
    Region::create(Kind::new(1000, "gate"), 0, 64).unwrap()
}

/// Counts itself at offset 4, and returns when the gate at offset 0 is open.
fn pass(gate: Region, n: u32) -> u32 {
    gate.atomic_u32(4).unwrap().fetch_add(1, Ordering::AcqRel);
    while gate.atomic_u32(0).unwrap().load(Ordering::Acquire) == 0 {
        thread::sleep(Duration::from_millis(1));
    }
    n
}

fn open(gate: &Region) {
    gate.atomic_u32(0).unwrap().store(1, Ordering::Release);
}

fn begun(gate: &Region) -> u32 {
    gate.atomic_u32(4).unwrap().load(Ordering::Acquire)
}

fn wait_until(ready: impl Fn() -> bool) {
    while !ready() {
        thread::sleep(Duration::from_millis(1));
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The smallest of all runtimes.
fn block_on<F: std::future::Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

/// What became of a task, whichever it was.
fn kind<T>(result: Result<T, TaskError>) -> Result<T, TaskErrorKind> {
    result.map_err(|error| error.kind)
}

#[mp_process::test]
fn a_result_is_there_as_often_as_it_is_asked_for() {
    let _watchdog = Watchdog::new("a_result_is_there_as_often_as_it_is_asked_for");
    let pool = Pool::new(2).unwrap();
    let sum = pool.submit(|a: u32, b: String| format!("{a}{b}"), (1, "x".into()));
    for _ in 0..2 {
        assert_eq!(sum.result().unwrap(), "1x");
    }
    assert_eq!(sum.exception(), None);
    assert!(sum.done() && !sum.running() && !sum.cancelled());
    assert!(!sum.cancel() && !sum.cancel_running(), "it has ended");
    let fails = pool.submit(|| -> () { panic!("no") }, ());
    assert!(fails.exception().is_some());
    assert!(matches!(kind(fails.result()), Err(TaskErrorKind::Panicked(_))));
}

#[mp_process::test]
fn whoever_does_not_want_to_wait_need_not() {
    let _watchdog = Watchdog::new("whoever_does_not_want_to_wait_need_not");
    let (pool, gate) = (Pool::new(1).unwrap(), region());
    let future = pool.submit(pass, (gate.clone(), 7));
    wait_until(|| future.running());
    let soon = Duration::from_millis(10);
    assert_eq!(future.try_result(), Err(NotReady));
    assert_eq!(future.result_timeout(soon), Err(NotReady));
    assert_eq!(future.try_exception(), Err(NotReady));
    assert_eq!(future.exception_timeout(soon), Err(NotReady));
    assert!(!future.done() && !future.cancelled());
    open(&gate);
    assert_eq!(future.result_timeout(Duration::MAX), Ok(Ok(7)));
    assert_eq!(future.try_result(), Ok(Ok(7)));
}

#[mp_process::test]
fn what_is_cancelled_in_the_queue_never_begins() {
    let _watchdog = Watchdog::new("what_is_cancelled_in_the_queue_never_begins");
    let (pool, gate) = (Pool::new(1).unwrap(), region());
    let futures: Vec<_> = (0..20).map(|n| pool.submit(pass, (gate.clone(), n))).collect();
    wait_until(|| futures[0].running());
    // The second is with the worker already, the last still here.
    for n in [1, 2, 19] {
        assert!(futures[n].cancel(), "{n} has not begun");
        assert!(futures[n].cancelled() && futures[n].cancel(), "{n} is cancelled");
        assert_eq!(kind(futures[n].result()), Err(TaskErrorKind::Cancelled));
    }
    assert!(!futures[0].cancel(), "it has begun");
    open(&gate);
    pool.close();
    pool.join().unwrap();
    let ended = futures.iter().filter(|future| future.result().is_ok()).count();
    assert_eq!((ended, begun(&gate)), (17, 17));
}

#[mp_process::test]
fn a_call_of_many_is_cancelled_as_one() {
    let _watchdog = Watchdog::new("a_call_of_many_is_cancelled_as_one");
    let (pool, gate) = (Pool::new(1).unwrap(), region());
    let first = pool.submit(pass, (gate.clone(), 0));
    wait_until(|| first.running());
    let all = pool.task(pass).chunk_size(2).starmap_async((1..9).map(|n| (gate.clone(), n)));
    let all = all.into_future();
    let other = pool.submit(pass, (gate.clone(), 9));
    assert!(all.cancel());
    assert_eq!(
        kind(all.result()),
        Err(TaskErrorKind::Cancelled),
        "at once, though the worker is busy"
    );
    open(&gate);
    assert_eq!((first.result(), other.result()), (Ok(0), Ok(9)));
    assert_eq!(begun(&gate), 2);
}

#[mp_process::test]
fn what_runs_is_killed_if_asked_and_nothing_else() {
    let _watchdog = Watchdog::new("what_runs_is_killed_if_asked_and_nothing_else");
    let (pool, gate) = (Pool::new(2).unwrap(), region());
    let futures: Vec<_> = (0..6).map(|n| pool.submit(pass, (gate.clone(), n))).collect();
    wait_until(|| begun(&gate) == 2);
    let before = pool.worker_pids();
    let condemned = futures.iter().rposition(|future| future.running()).unwrap();
    assert!(futures[condemned].cancel_running());
    assert_eq!(kind(futures[condemned].result()), Err(TaskErrorKind::Cancelled));
    open(&gate);
    for (n, future) in (0..).zip(&futures).filter(|(n, _)| *n as usize != condemned) {
        assert_eq!(future.result(), Ok(n));
    }
    wait_until(|| pool.worker_pids().len() == 2);
    let replaced = pool.worker_pids().iter().filter(|pid| !before.contains(pid)).count();
    assert_eq!(replaced, 1, "one was killed");
}

#[mp_process::test]
fn only_what_is_killed_is_lost_at_any_moment() {
    let _watchdog = Watchdog::new("only_what_is_killed_is_lost_at_any_moment");
    let pool = Pool::new(2).unwrap();
    /// Ends about when the kill arrives.
    fn work(micros: u64, n: usize) -> usize {
        let until = Instant::now() + Duration::from_micros(micros);
        while Instant::now() < until {}
        n
    }
    for round in 0..60 {
        let micros = 50 + round as u64 * 37 % 1500;
        let futures: Vec<_> = (0..20).map(|n| pool.submit(work, (micros, n))).collect();
        let condemned = round * 7 % 20;
        while !(futures[condemned].running() || futures[condemned].done()) {}
        futures[condemned].cancel_running();
        for (n, future) in futures.iter().enumerate() {
            match kind(future.result()) {
                Err(TaskErrorKind::Cancelled) if n == condemned => {}
                result => assert_eq!(result, Ok(n), "round {round}, future {n}"),
            }
        }
    }
}

#[mp_process::test]
fn what_was_not_submitted_cannot_be_killed() {
    let _watchdog = Watchdog::new("what_was_not_submitted_cannot_be_killed");
    let (pool, gate) = (Pool::new(1).unwrap(), region());
    let future = pool.apply_async(pass, (gate.clone(), 3)).into_future();
    wait_until(|| future.running());
    assert!(!future.cancel_running());
    open(&gate);
    assert_eq!(future.result(), Ok(3));
}

#[mp_process::test]
fn a_done_callback_is_called_once_with_the_future() {
    let _watchdog = Watchdog::new("a_done_callback_is_called_once_with_the_future");
    let (pool, gate) = (Pool::new(1).unwrap(), region());
    let (sender, receiver) = mpsc::channel();
    let future = pool.submit(pass, (gate.clone(), 5));
    let before = sender.clone();
    future.add_done_callback(move |future| before.send(future.try_result()).unwrap());
    open(&gate);
    assert_eq!(receiver.recv().unwrap(), Ok(Ok(5)));
    future.add_done_callback(move |future| sender.send(future.try_result()).unwrap());
    assert_eq!(receiver.recv().unwrap(), Ok(Ok(5)), "at once");
    assert!(receiver.recv().is_err(), "each once");
}

#[mp_process::test]
fn futures_can_be_awaited_without_a_thread_for_each() {
    let _watchdog = Watchdog::new("futures_can_be_awaited_without_a_thread_for_each");
    let (pool, gate) = (Pool::new(2).unwrap(), region());
    let first = pool.submit(pass, (gate.clone(), 1));
    let second = pool.apply_async(pass, (gate.clone(), 2));
    let opens = thread::spawn(move || {
        wait_until(|| begun(&gate) == 2);
        open(&gate);
    });
    let sum = block_on(async { Ok::<_, TaskError>(first.await? + second.await?) });
    assert_eq!(sum, Ok(3));
    opens.join().unwrap();
    assert_eq!(block_on(pool.submit(|| 4, ())), Ok(4));
}

#[mp_process::test]
fn wakers_do_not_stand_in_line_behind_callbacks() {
    let _watchdog = Watchdog::new("wakers_do_not_stand_in_line_behind_callbacks");
    let pool = Pool::new(1).unwrap();
    let (release, released) = mpsc::channel::<()>();
    pool.submit(|| (), ()).add_done_callback(move |_| {
        released.recv().unwrap_err();
    });
    assert_eq!(block_on(pool.submit(|| 8, ())), Ok(8));
    drop(release);
}

#[mp_process::test]
fn a_waker_may_use_the_pool_and_drop_it() {
    let _watchdog = Watchdog::new("a_waker_may_use_the_pool_and_drop_it");
    struct Submits(Pool, mpsc::Sender<Future<u32>>);
    impl Wake for Submits {
        fn wake(self: Arc<Self>) {
            self.1.send(self.0.submit(|| 6, ())).unwrap();
        }
    }
    let (sender, receiver) = mpsc::channel();
    let submits = Arc::new(Submits(Pool::new(1).unwrap(), sender));
    let gate = region();
    let mut future = submits.0.submit(pass, (gate.clone(), 1));
    let waker = Waker::from(Arc::clone(&submits));
    assert!(pin!(&mut future).poll(&mut Context::from_waker(&waker)).is_pending());
    // From now on only the waker keeps the pool, which is dropped with it.
    drop(submits);
    drop(waker);
    open(&gate);
    let last = kind(receiver.recv().unwrap().result());
    assert!(matches!(last, Ok(6) | Err(TaskErrorKind::Cancelled)), "{last:?}");
    assert!(receiver.recv().is_err(), "the sender is dropped behind the pool");
}

#[mp_process::test]
fn only_the_last_waker_is_kept_and_none_of_a_dropped_future() {
    let _watchdog = Watchdog::new("only_the_last_waker_is_kept_and_none_of_a_dropped_future");
    let (pool, gate) = (Pool::new(1).unwrap(), region());
    let mut future = pool.submit(pass, (gate.clone(), 1));
    let wakers: Vec<_> = (0..3).map(|_| Arc::new(Unpark(thread::current()))).collect();
    for waker in &wakers {
        let waker = Waker::from(Arc::clone(waker));
        assert!(pin!(&mut future).poll(&mut Context::from_waker(&waker)).is_pending());
    }
    assert_eq!(counts(&wakers), [1, 1, 2]);
    drop(future);
    assert_eq!(counts(&wakers), [1, 1, 1]);
    open(&gate);
}

fn counts(wakers: &[Arc<Unpark>]) -> Vec<usize> {
    wakers.iter().map(Arc::strong_count).collect()
}

#[mp_process::test]
fn the_end_of_the_pool_is_an_answer() {
    let _watchdog = Watchdog::new("the_end_of_the_pool_is_an_answer");
    let (pool, gate) = (Pool::new(1).unwrap(), region());
    let futures: Vec<_> = (0..3).map(|n| pool.submit(pass, (gate.clone(), n))).collect();
    let awaited = pool.submit(pass, (gate, 3));
    let awaits = thread::spawn(move || block_on(awaited));
    drop(pool);
    for future in futures {
        assert_eq!(kind(future.result()), Err(TaskErrorKind::Cancelled));
    }
    assert_eq!(kind(awaits.join().unwrap()), Err(TaskErrorKind::Cancelled));
}
