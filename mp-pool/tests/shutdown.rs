//! Pools come to an end, whatever their workers do.

mod common;
#[path = "common/gate.rs"]
mod gate;
#[path = "common/processes.rs"]
mod processes;
#[path = "common/signal.rs"]
mod signal;

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use common::Watchdog;
use gate::Gate;
use mp_pool::{AsyncResult, Pool, Shutdown, TaskErrorKind};
use processes::{state, wait_for_state};
use signal::signal;

const SHORT: Duration = Duration::from_millis(100);

/// What a worker may do that keeps it from ending by itself.
const BAD_MANNERS: [fn(Gate); 4] = [park, spin, ignore_signals, stop];

fn park(begun: Gate) {
    begun.step();
    loop {
        thread::park();
    }
}

fn spin(begun: Gate) {
    begun.step();
    loop {
        std::hint::spin_loop();
    }
}

fn ignore_signals(begun: Gate) {
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGQUIT] {
        // SAFETY: to ignore a signal runs no code.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
    park(begun);
}

fn stop(begun: Gate) {
    begun.step();
    // SAFETY: a signal to this process itself.
    unsafe { libc::raise(libc::SIGSTOP) };
}

/// Why there is no result.
fn why<T: std::fmt::Debug>(result: AsyncResult<T>) -> TaskErrorKind {
    result.get().unwrap_err().kind
}

/// A pool of one worker, which behaves badly.
fn bad_pool(manners: usize) -> (Pool, AsyncResult<()>, u32) {
    let pool = Pool::new(1).unwrap();
    let begun = Gate::new();
    let bad = |manners: usize, begun| BAD_MANNERS[manners](begun);
    let result = pool.apply_async(bad, (manners, begun.clone()));
    begun.wait(1);
    let pid = pool.worker_pids()[0];
    if manners == 3 {
        wait_for_state(pid, Some('T'));
    }
    (pool, result, pid)
}

#[mp_process::test]
fn terminate_and_join_end_whatever_workers_do() {
    let _watchdog = Watchdog::new("terminate_and_join_end_whatever_workers_do");
    for manners in 0..BAD_MANNERS.len() {
        let (pool, result, pid) = bad_pool(manners);
        pool.terminate();
        pool.join().unwrap();
        assert_eq!((why(result), state(pid)), (TaskErrorKind::Cancelled, None));
    }
}

#[mp_process::test]
fn drop_ends_whatever_workers_do() {
    let _watchdog = Watchdog::new("drop_ends_whatever_workers_do");
    for manners in 0..BAD_MANNERS.len() {
        let (pool, result, pid) = bad_pool(manners);
        drop(pool);
        assert_eq!((why(result), state(pid)), (TaskErrorKind::Cancelled, None));
    }
}

#[mp_process::test]
fn shutdown_by_a_deadline_ends_whatever_workers_do() {
    let _watchdog = Watchdog::new("shutdown_by_a_deadline_ends_whatever_workers_do");
    for manners in 0..BAD_MANNERS.len() {
        let (pool, result, pid) = bad_pool(manners);
        assert!(pool.shutdown(Shutdown::new().deadline(SHORT)));
        assert_eq!((why(result), state(pid)), (TaskErrorKind::Cancelled, None));
    }
}

#[mp_process::test]
fn a_deadline_holds_though_nobody_waits() {
    let _watchdog = Watchdog::new("a_deadline_holds_though_nobody_waits");
    let (pool, result, _) = bad_pool(0);
    assert!(!pool.shutdown(Shutdown::new().wait(false)));
    pool.shutdown(Shutdown::new().wait(false).deadline(SHORT));
    assert_eq!(why(result), TaskErrorKind::Cancelled);
    pool.join().unwrap();
}

#[mp_process::test]
fn close_and_join_end_though_idle_workers_are_stopped() {
    let _watchdog = Watchdog::new("close_and_join_end_though_idle_workers_are_stopped");
    let pool = Pool::builder().workers(2).exit_timeout(SHORT).build().unwrap();
    assert_eq!(pool.map(|n: u32| n, 0..10).unwrap().len(), 10);
    let pids = pool.worker_pids();
    for &pid in &pids {
        signal(pid, libc::SIGSTOP);
        wait_for_state(pid, Some('T'));
    }
    pool.close();
    pool.join().unwrap();
    assert!(pids.iter().all(|&pid| state(pid).is_none()));
}

#[mp_process::test]
fn close_and_join_end_though_a_worker_waits_for_its_child() {
    let _watchdog = Watchdog::new("close_and_join_end_though_a_worker_waits_for_its_child");
    fn leave_a_child() {
        // It is not a daemon: the worker's end waits for it, for ever.
        drop(mp_process::spawn(thread::park, ()).unwrap());
    }
    let pool = Pool::builder().workers(1).exit_timeout(SHORT).build().unwrap();
    pool.apply(leave_a_child, ()).unwrap();
    pool.close();
    pool.join().unwrap();
}

#[mp_process::test]
fn close_and_join_end_though_the_initializer_does_not() {
    let _watchdog = Watchdog::new("close_and_join_end_though_the_initializer_does_not");
    let builder = Pool::builder().workers(1).exit_timeout(SHORT);
    let pool = builder.initializer(park, (Gate::new(),)).build().unwrap();
    pool.close();
    pool.join().unwrap();
}

#[mp_process::test]
fn without_options_a_shutdown_does_all_that_was_given() {
    let _watchdog = Watchdog::new("without_options_a_shutdown_does_all_that_was_given");
    let pool = Pool::new(2).unwrap();
    let squares = pool.task(|n: u64| n * n).chunk_size(1).map_async(0..2000);
    assert!(pool.shutdown(Shutdown::default()));
    assert!(squares.ready());
    assert_eq!(squares.get().unwrap()[1999], 1999 * 1999);
    assert_eq!(pool.apply(|| 1, ()).unwrap_err().kind, TaskErrorKind::PoolClosed);
    assert!(pool.shutdown(Shutdown::default()), "once more is no harm");
}

#[mp_process::test]
fn what_is_pending_can_be_cancelled_while_the_rest_goes_on() {
    let _watchdog = Watchdog::new("what_is_pending_can_be_cancelled_while_the_rest_goes_on");
    fn pass(begun: Gate, open: Gate) -> u32 {
        begun.step();
        open.wait(1);
        7
    }
    let pool = Pool::new(1).unwrap();
    let (begun, open) = (Gate::new(), Gate::new());
    let running = pool.apply_async(pass, (begun.clone(), open.clone()));
    let pending = pool.task(|n: u32| n).chunk_size(1).map_async(0..100);
    begun.wait(1);
    assert!(!pool.shutdown(Shutdown::new().wait(false).cancel_pending(true)));
    assert_eq!(why(pending), TaskErrorKind::Cancelled);
    assert!(!running.ready());
    open.step();
    assert_eq!(running.get(), Ok(7));
    pool.join().unwrap();
}

#[mp_process::test]
fn a_pool_may_be_dropped_by_its_own_callback() {
    let _watchdog = Watchdog::new("a_pool_may_be_dropped_by_its_own_callback");
    let pool = Arc::new(Pool::new(1).unwrap());
    let (gone, heard) = mpsc::channel();
    let (go, may_go) = mpsc::channel::<()>();
    let last = Arc::clone(&pool);
    let result = pool.apply_async(|| 3, ()).callback(move |three| {
        may_go.recv().unwrap_err();
        let pids = last.worker_pids();
        drop(last);
        gone.send((three, pids.iter().all(|&pid| state(pid).is_none()))).unwrap();
    });
    drop(pool);
    drop(go);
    assert_eq!(heard.recv().unwrap(), (3, true));
    assert_eq!(result.get(), Ok(3));
}
