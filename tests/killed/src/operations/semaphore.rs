//! [`Semaphore`], [`BoundedSemaphore`]: permits come back, and none is made.

use std::time::Duration;

use mp_sync::{BoundedSemaphore, Semaphore};

use crate::notes::Notes;
use crate::operation::{Operation, Verdict, ensure, operation};
use crate::partner::Partner;

/// Long enough to sleep, and to sleep again.
const A_WHILE: Duration = Duration::from_millis(70);

/// How many permits there are.
const PERMITS: u32 = 2;

struct Guarded {
    semaphore: Semaphore,
    partner: Option<Partner>,
}

impl Guarded {
    fn new() -> Guarded {
        Guarded { semaphore: Semaphore::new(PERMITS).unwrap(), partner: None }
    }

    /// One of which another process has all permits.
    fn held() -> Guarded {
        let mut guarded = Guarded::new();
        guarded.partner = Some(Partner::holding(|inside| {
            let _permits = [(); PERMITS as usize].map(|()| guarded.semaphore.acquire());
            inside();
        }));
        guarded
    }

    /// One for which another process waits, if it is told to.
    fn awaited() -> Guarded {
        let mut guarded = Guarded::new();
        let wait = || {
            drop(guarded.semaphore.acquire());
            Ok(())
        };
        guarded.partner = Some(Partner::waiting(wait));
        guarded
    }

    /// All permits can be had, and no more of them.
    fn check(&mut self, _: &Notes) -> Verdict {
        self.check_for(PERMITS, PERMITS)
    }

    fn check_for(&mut self, least: u32, most: u32) -> Verdict {
        self.partner.take().map_or(Ok(()), |partner| partner.join())?;
        let permits: Vec<_> = (0..least).map(|_| self.semaphore.acquire()).collect();
        let more: Vec<_> = std::iter::from_fn(|| self.semaphore.try_acquire()).collect();
        let all = permits.len() + more.len();
        ensure!(all <= most as usize, "{all} permits, and not {most}");
        drop((permits, more));
        let available = self.semaphore.available() as usize;
        ensure!(available == all, "{available} available, and not {all}");
        Ok(())
    }
}

pub(super) fn operations() -> Vec<Operation> {
    vec![
        acquired("acquired and given back", |semaphore| drop(semaphore.acquire())),
        acquired("tried, acquired and given back", |semaphore| drop(semaphore.try_acquire())),
        acquired("acquired in time and given back", |semaphore| {
            drop(semaphore.acquire_timeout(A_WHILE));
        }),
        from_another("acquired from another process", |semaphore| drop(semaphore.acquire())),
        from_another("acquired in time from another process", |semaphore| {
            assert!(semaphore.acquire_timeout(20 * A_WHILE).is_some());
        }),
        in_vain("tried in vain", |semaphore| semaphore.try_acquire().is_none()),
        in_vain("waited for in vain", |semaphore| semaphore.acquire_timeout(A_WHILE).is_none()),
        given_to_a_waiter(),
        released(),
        forgotten(),
        taken_from_the_dead(),
        bounded_release(),
    ]
}

fn name(what: &str) -> String {
    format!("Semaphore: {what}")
}

/// Makes this process known as one that has permits.
fn warm_up() {
    drop(Semaphore::new(1).unwrap().acquire());
}

fn acquired(what: &str, act: fn(&Semaphore)) -> Operation {
    operation(name(what), |_| Guarded::new())
        .victim(move |guarded, _| {
            warm_up();
            Notes::mark();
            act(&guarded.semaphore);
        })
        .check(Guarded::check)
}

fn from_another(what: &str, act: fn(&Semaphore)) -> Operation {
    operation(name(what), |_| Guarded::held())
        .victim(move |guarded, _| {
            warm_up();
            Notes::mark();
            act(&guarded.semaphore);
        })
        .assist(|guarded, _| guarded.partner.iter().for_each(Partner::go))
        .check(Guarded::check)
}

fn in_vain(what: &str, is_in_vain: fn(&Semaphore) -> bool) -> Operation {
    operation(name(what), |_| Guarded::held())
        .victim(move |guarded, _| {
            warm_up();
            Notes::mark();
            assert!(is_in_vain(&guarded.semaphore));
        })
        .check(Guarded::check)
}

fn given_to_a_waiter() -> Operation {
    operation(name("given back to one who waits"), |_| Guarded::awaited())
        .victim(|guarded, _| {
            let _permits = [(); PERMITS as usize].map(|()| guarded.semaphore.acquire());
            guarded.partner.as_ref().unwrap().let_wait();
            Notes::mark();
        })
        .check(Guarded::check)
}

fn released() -> Operation {
    operation(name("released for one more"), |_| Guarded::new())
        .victim(|guarded, _| {
            warm_up();
            Notes::mark();
            guarded.semaphore.release().unwrap();
        })
        .check(|guarded, notes| {
            let least = PERMITS + u32::from(notes.is_finished());
            guarded.check_for(least, PERMITS + 1)
        })
}

fn forgotten() -> Operation {
    operation(name("acquired and forgotten"), |_| Guarded::new())
        .victim(|guarded, _| {
            warm_up();
            Notes::mark();
            guarded.semaphore.acquire().forget();
        })
        .check(|guarded, notes| {
            let most = PERMITS - u32::from(notes.is_finished());
            guarded.check_for(PERMITS - 1, most)
        })
}

fn taken_from_the_dead() -> Operation {
    let abandoned = |_: &Notes| {
        let guarded = Guarded::new();
        let die = || {
            let _permits = [(); PERMITS as usize].map(|()| guarded.semaphore.acquire());
            nix::sys::signal::raise(nix::sys::signal::Signal::SIGKILL).unwrap();
            Ok(())
        };
        Partner::start(die).join().unwrap_err();
        guarded
    };
    operation(name("acquired from a dead process"), abandoned)
        .victim(|guarded, _| {
            warm_up();
            Notes::mark();
            drop(guarded.semaphore.acquire());
        })
        .check(Guarded::check)
}

fn bounded_release() -> Operation {
    let taken = |_: &Notes| {
        let semaphore = BoundedSemaphore::new(PERMITS).unwrap();
        semaphore.acquire().forget();
        semaphore
    };
    operation("BoundedSemaphore: released", taken)
        .victim(|semaphore, _| {
            warm_up();
            Notes::mark();
            semaphore.release().unwrap();
        })
        .check(|semaphore, notes| {
            let available = semaphore.available();
            let least = PERMITS - u32::from(!notes.is_finished());
            ensure!((least..=PERMITS).contains(&available), "{available} permits");
            if available < PERMITS {
                semaphore.release().map_err(|error| error.to_string())?;
            }
            ensure!(semaphore.release().is_err(), "more permits than there may be");
            Ok(())
        })
}
