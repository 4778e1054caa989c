//! [`Event`], [`Barrier`]: who waits is woken, whoever dies meanwhile.

use std::time::Duration;

use mp_sync::{Barrier, BarrierError, Event};

use crate::notes::Notes;
use crate::operation::{Operation, Verdict, ensure, operation};
use crate::partner::Partner;

/// Long enough to sleep, and to sleep again.
const A_WHILE: Duration = Duration::from_millis(70);

pub(super) fn operations() -> Vec<Operation> {
    let mut all = events();
    all.extend(barriers());
    all
}

struct Signalled {
    event: Event,
    partner: Partner,
}

fn events() -> Vec<Operation> {
    let awaited = |_: &Notes| {
        let event = Event::new().unwrap();
        let wait = || {
            event.wait();
            Ok(())
        };
        let partner = Partner::waiting(wait);
        Signalled { event, partner }
    };
    let set = operation("Event: set for one who waits", awaited)
        .victim(|signalled, _| {
            signalled.partner.let_wait();
            Notes::mark();
            signalled.event.set();
        })
        .check(|Signalled { event, partner }, notes| {
            ensure!(event.is_set() || !notes.is_finished(), "what was set is not");
            if !event.is_set() {
                event.set();
            }
            partner.join()
        });
    let cleared = |_: &Notes| {
        let event = Event::new().unwrap();
        event.set();
        event
    };
    let clear = operation("Event: cleared", cleared)
        .victim(|event, _| {
            Notes::mark();
            event.clear();
        })
        .check(|event, notes| {
            ensure!(!event.is_set() || !notes.is_finished(), "what was cleared is set");
            event.set();
            ensure!(event.wait_timeout(A_WHILE), "it cannot be set again");
            Ok(())
        });
    let waited = |name: &str, wait: fn(&Event) -> bool| {
        operation(name, |_| Event::new().unwrap())
            .victim(move |event, _| {
                Notes::mark();
                assert!(wait(event));
            })
            .check(|event, _| {
                event.set();
                event.wait();
                Ok(())
            })
    };
    let wait = operation("Event: waited for", |_| Event::new().unwrap())
        .victim(|event, _| {
            Notes::mark();
            event.wait();
        })
        .assist(|event, _| event.set())
        .check(|event, _| {
            event.clear();
            ensure!(!event.is_set(), "it cannot be cleared");
            event.set();
            event.wait();
            Ok(())
        });
    let in_vain = waited("Event: waited for in vain", |event| !event.wait_timeout(A_WHILE));
    vec![set, clear, wait, in_vain]
}

struct Gate {
    barrier: Barrier,
    partner: Option<Partner>,
}

impl Gate {
    fn new(parties: u32) -> Gate {
        Gate { barrier: Barrier::new(parties).unwrap(), partner: None }
    }

    /// One at which another process waits, if it is told to.
    fn awaited() -> Gate {
        let mut gate = Gate::new(2);
        let wait = || match gate.barrier.wait() {
            Ok(_) | Err(BarrierError::Broken(_)) => Ok(()),
            Err(error) => Err(error.to_string()),
        };
        gate.partner = Some(Partner::waiting(wait));
        gate
    }

    /// All who wait go on, and after a reset it works again.
    fn check(&mut self, _: &Notes) -> Verdict {
        if let Some(partner) = self.partner.take() {
            self.meet_until(&partner)?;
        }
        self.barrier.reset().map_err(|error| error.to_string())?;
        let other = Partner::start(|| self.barrier.wait().map(drop).map_err(|e| e.to_string()));
        let met = self.barrier.wait().map(drop).map_err(|error| error.to_string());
        other.join().and(met)
    }

    /// Comes to the barrier if the partner waits for somebody who will not.
    fn meet_until(&self, partner: &Partner) -> Verdict {
        partner.go();
        while !partner.has_ended() {
            match self.barrier.wait_timeout(A_WHILE) {
                Ok(_) | Err(BarrierError::TimedOut | BarrierError::Broken(_)) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
        partner.join()
    }
}

fn barriers() -> Vec<Operation> {
    let last = |name: &str, wait: fn(&Barrier)| {
        operation(name, |_| Gate::awaited())
            .victim(move |gate, _| {
                gate.partner.as_ref().unwrap().let_wait();
                Notes::mark();
                wait(&gate.barrier);
            })
            .check(Gate::check)
    };
    let first = operation("Barrier: waited at", |_| Gate::new(2))
        .victim(|gate, _| {
            Notes::mark();
            gate.barrier.wait().unwrap();
        })
        .assist(|gate, _| drop(gate.barrier.wait()))
        .check(Gate::check);
    let in_vain = operation("Barrier: waited at in vain", |_| Gate::new(2))
        .victim(|gate, _| {
            Notes::mark();
            gate.barrier.wait_timeout(A_WHILE).unwrap_err();
        })
        .check(Gate::check);
    vec![
        first,
        in_vain,
        last("Barrier: come to as the last", |barrier| assert!(barrier.wait().is_ok())),
        last("Barrier: come to as the last, with an action", |barrier| {
            assert!(barrier.wait_then(|| ()).is_ok());
        }),
        last("Barrier: aborted", Barrier::abort),
        last("Barrier: reset", |barrier| barrier.reset().unwrap()),
    ]
}
