//! The model checker's build: doubles of all that processes share, over `shuttle`'s threads. Crates
//! that build on this one have them for their own models.
//!
//! In a model, each thread stands for a process. Every access to an atomic, and every sleep and
//! wake, is a step: before it, the scheduler may let any other thread run, and a process that is
//! [doomed](spawn_doomed) may be killed. To be killed is to be unwound from there, up to `spawn`;
//! what destructors do on the way comes to nothing, for a killed process runs none.
//!
//! Sleeps are as long as a lost wake makes them: for ever, which `shuttle` reports as a deadlock.
//! Only when somebody has been killed, or if there is a deadline, do sleeps end by themselves, as
//! slices do: then a wake may truly be lost.
//!
//! Memory is sequentially consistent here, whatever orderings the code names; time is a coin.

mod doubles;
mod futex;
mod robust;

use std::any::Any;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use shuttle::current::{TaskId, try_get_current_task};
use shuttle::rand::{Rng, thread_rng};
use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::sync::atomic::AtomicBool;
use shuttle::thread::{JoinHandle, Thread};
use shuttle::{Config, Runner};

pub use doubles::{AtomicU32, AtomicU64, Deadline, Identity, spin};
pub use futex::{futex_wait, futex_wake};
pub(crate) use robust::Robust;
pub use shuttle::thread::yield_now;

/// Schedules to try by each of the two strategies; the environment may ask for more.
const SCHEDULES: usize = 3000;

/// The steps within which a doomed process is killed, unless its model says otherwise.
const LIFE: u32 = 40;

/// The bytes of a thread's stack; with less, system calls in a build without optimization overrun it.
const STACK: usize = 1 << 20;

/// What a killed process is unwound with.
struct Killed;

/// What all threads of one schedule know. They take turns on one thread of the system.
#[derive(Default)]
struct World {
    /// To read it is where the scheduler may change threads.
    turn: Arc<AtomicBool>,
    /// The steps that are left to those who will be killed.
    left: HashMap<TaskId, u32>,
    dead: HashSet<TaskId>,
    /// Who sleeps, and on the word at which address; the first is woken first.
    sleepers: Vec<(usize, TaskId, Thread)>,
}

thread_local! {
    static WORLD: RefCell<World> = RefCell::default();
}

fn world<R>(look: impl FnOnce(&mut World) -> R) -> R {
    WORLD.with_borrow_mut(look)
}

/// Runs the scenario under many schedules.
pub fn check(scenario: impl Fn() + Copy + Send + Sync + 'static) {
    let schedules = std::env::var("MP_SCHEDULES").ok().and_then(|number| number.parse().ok());
    let schedules = schedules.unwrap_or(SCHEDULES);
    let fresh = move || {
        WORLD.set(World::default());
        scenario();
    };
    let mut config = Config::default();
    config.stack_size = STACK;
    Runner::new(RandomScheduler::new(schedules), config.clone()).run(fresh);
    Runner::new(PctScheduler::new(3, schedules), config).run(fresh);
}

/// A process of the model.
#[derive(Debug)]
pub struct Process<R> {
    thread: JoinHandle<Option<R>>,
}

impl<R> Process<R> {
    /// Waits for its end; `None` if it was killed.
    pub fn join(self) -> Option<R> {
        self.thread.join().unwrap_or_else(|panic| resume_unwind(panic))
    }
}

/// Starts a process that lives as long as it wants to.
pub fn spawn<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> Process<R> {
    Process { thread: shuttle::thread::spawn(move || survived(work)) }
}

/// Starts a process that is killed at one of its first steps, at random, unless it ends before. It
/// sleeps as others do, but not for ever.
pub fn spawn_doomed<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> Process<R> {
    spawn_doomed_within(LIFE, work)
}

/// As [`spawn_doomed`], with a longer or shorter life.
pub fn spawn_doomed_within<R: Send + 'static>(
    life: u32,
    work: impl FnOnce() -> R + Send + 'static,
) -> Process<R> {
    let left = thread_rng().gen_range(0..life);
    let doomed = move || {
        let me = try_get_current_task().expect("a thread of the model");
        world(|world| world.left.insert(me, left));
        survived(work)
    };
    Process { thread: shuttle::thread::spawn(doomed) }
}

fn survived<R>(work: impl FnOnce() -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => {
            // It has outlived its doom: what it still does belongs to the model.
            try_get_current_task().map(|me| world(|world| world.left.remove(&me)));
            Some(result)
        }
        Err(payload) if (*payload).is::<Killed>() => None,
        Err(panic) => resume_unwind(panic),
    }
}

/// Lets others run, or be killed here; tells whether the caller lives.
fn step() -> bool {
    // Outside of a model nobody is killed, and all threads are the system's.
    let Some(me) = try_get_current_task() else { return true };
    if world(|world| world.dead.contains(&me)) {
        return false;
    }
    let turn = world(|world| world.turn.clone());
    turn.load(SeqCst);
    match world(|world| world.left.get(&me).copied()) {
        None => {}
        Some(0) => die(me),
        Some(left) => drop(world(|world| world.left.insert(me, left - 1))),
    }
    true
}

fn die(me: TaskId) -> ! {
    let others = world(|world| {
        world.dead.insert(me);
        world.sleepers.retain(|(_, sleeper, _)| *sleeper != me);
        world.sleepers.iter().map(|(_, _, thread)| thread.clone()).collect::<Vec<_>>()
    });
    // From now on they sleep by slices.
    others.iter().for_each(Thread::unpark);
    let payload: Box<dyn Any + Send> = Box::new(Killed);
    resume_unwind(payload)
}
