//! The end of a program by Ctrl-C.
//!
//! Workers are in process groups of their own, so an interrupt of the terminal reaches this process
//! alone; without a handler it dies, and they die with it. With one, an end in order: the pools
//! stand still, so that nobody sees results of the disorder, the workers are killed, one line says
//! what was not done, and what was registered for the exit runs.

use std::io::{self, Write};
use std::process;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use mp_handle::Deadline;
use signal_hook::consts::SIGINT;
use signal_hook::flag;
use signal_hook::iterator::Signals;

use crate::driver::Shared;
use crate::error::PoolError;
use crate::pool::Pool;

/// What a shell says of a program that SIGINT has ended.
const STATUS: i32 = 130;

/// How long the workers, which are killed, are waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// The pools that end with the program, and whether there is a handler.
static WATCH: Mutex<Watch> = Mutex::new(Watch { pools: Vec::new(), is_on: false });

struct Watch {
    pools: Vec<Weak<Shared>>,
    is_on: bool,
}

fn watch() -> MutexGuard<'static, Watch> {
    WATCH.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    /// Has SIGINT, which is what Ctrl-C sends, end the program in order, from now on and for good:
    /// the workers of this pool are killed, one line on standard error says how many tasks were
    /// not done, and the process exits with status 130. No call of the pool returns meanwhile,
    /// so nothing else is said. A second SIGINT ends the process at once, whatever it is at.
    ///
    /// Without this the pool installs no handler, and SIGINT does what the program has asked for:
    /// by default it ends the process, and so the workers, without a word.
    ///
    /// Handlers that were there before are called too, and so are those of `tokio::signal` and
    /// signal-hook, whenever they were installed. One that is installed later by other means, as
    /// by the crate ctrlc, is in place of this one: it is for that program to end the pool.
    ///
    /// # Errors
    ///
    /// The system's error if the handler cannot be installed.
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_process::{ExitStatus, Process, Stdio};
    ///
    /// fn program() {
    ///     let pool = mp_pool::Pool::new(2).unwrap();
    ///     pool.end_on_interrupt().unwrap();
    ///     // Somebody presses Ctrl-C.
    ///     pool.task(|| ()).on_item(|_, _: Result<&(), _>| interrupt()).apply(()).unwrap();
    ///     pool.apply(std::thread::park, ()).unwrap();
    /// }
    ///
    /// fn interrupt() {
    ///     std::process::Command::new("kill")
    ///         .args(["-INT", &std::process::id().to_string()])
    ///         .status()
    ///         .unwrap();
    /// }
    ///
    /// mp_process::init();
    /// let process = Process::builder().stderr(Stdio::Null).spawn(program, ())?;
    /// assert_eq!(process.wait(), ExitStatus::Exited(130));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn end_on_interrupt(&self) -> Result<(), PoolError> {
        let shared = self.processes.as_ref().ok_or(PoolError::NoProcesses)?;
        let mut watch = watch();
        if !watch.is_on {
            install().map_err(PoolError::system("handle SIGINT"))?;
            watch.is_on = true;
        }
        watch.pools.retain(|pool| pool.strong_count() > 0);
        watch.pools.push(Arc::downgrade(shared));
        Ok(())
    }
}

fn install() -> io::Result<()> {
    let mut signals = Signals::new([SIGINT])?;
    // In this order: the first signal sets the flag, which the second finds.
    let again = Arc::new(AtomicBool::new(false));
    flag::register_conditional_shutdown(SIGINT, STATUS, Arc::clone(&again))?;
    flag::register(SIGINT, again)?;
    thread::Builder::new().name("pool interrupt".into()).spawn(move || {
        if signals.forever().next().is_some() {
            // That takes until no handler runs any more: those behind this one are called as well.
            drop(signals);
            end();
        }
    })?;
    Ok(())
}

/// Ends the program.
fn end() -> ! {
    let pools: Vec<Arc<Shared>> = watch().pools.iter().filter_map(Weak::upgrade).collect();
    let lost: usize = pools.iter().map(|pool| pool.engine().interrupt()).sum();
    let deadline = Deadline::after(PATIENCE);
    for pool in &pools {
        for worker in pool.engine().children() {
            worker.wait_timeout(deadline.remaining().unwrap_or_default());
        }
        pool.sync_output(deadline);
    }
    // If nobody can read it, it need not be said.
    let _ = writeln!(io::stderr(), "interrupted (tasks not done: {lost})");
    // Who drops a pool, or joins it, when the program exits is not to wait for what is over.
    mp_process::at_exit(move || pools.iter().for_each(|pool| pool.over.set()));
    process::exit(STATUS)
}
