//! [`Condition`]: who waits is woken, and a dead waiter has taken no notification along.

use std::time::Duration;

use mp_sync::{Condition, Lock, LockError, LockGuard, RLock, Recover};

use crate::notes::Notes;
use crate::operation::{Operation, Verdict, operation};
use crate::partner::Partner;

/// Long enough to sleep, and to sleep again.
const A_WHILE: Duration = Duration::from_millis(70);

struct Conditional {
    lock: Lock,
    condition: Condition,
    partners: Vec<Partner>,
}

impl Conditional {
    fn new() -> Conditional {
        let (lock, condition) = (Lock::new().unwrap(), Condition::new().unwrap());
        Conditional { lock, condition, partners: Vec::new() }
    }

    /// One on which three others wait, if they are told to.
    fn awaited() -> Conditional {
        let mut conditional = Conditional::new();
        let wait = || {
            let guard = recovered(conditional.lock.lock());
            drop(recovered(conditional.condition.wait(guard)));
            Ok(())
        };
        let partners = [(); 3].map(|()| Partner::waiting(wait));
        conditional.partners = partners.into();
        conditional
    }

    fn let_wait(&self) {
        self.partners.iter().for_each(|partner| partner.let_wait());
    }

    /// Those who still wait are woken by the next notification.
    fn check(&mut self, _: &Notes) -> Verdict {
        for partner in self.partners.drain(..) {
            // One that had not begun to wait sleeps just before.
            partner.go();
            while !partner.has_ended() {
                drop(recovered(self.lock.lock()));
                self.condition.notify_all();
                std::thread::sleep(Duration::from_micros(200));
            }
            partner.join()?;
        }
        drop(recovered(self.lock.lock()));
        Ok(())
    }
}

fn recovered<G: Recover>(got: Result<G, LockError<G>>) -> G {
    got.or_else(LockError::recover).unwrap()
}

pub(super) fn operations() -> Vec<Operation> {
    let notify = |name: &str, notify: fn(&Condition)| {
        operation(name, |_| Conditional::awaited())
            .victim(move |conditional, _| {
                conditional.let_wait();
                Notes::mark();
                notify(&conditional.condition);
            })
            .check(Conditional::check)
    };
    let wait = operation("Condition: waited for", |_| Conditional::new())
        .victim(|conditional, _| {
            let guard = recovered(conditional.lock.lock());
            Notes::mark();
            drop(conditional.condition.wait(guard).unwrap());
        })
        .assist(|conditional, _| conditional.condition.notify_one())
        .check(takes_no_notification);
    let in_vain = operation("Condition: waited for in vain", |_| Conditional::new())
        .victim(|conditional, _| {
            let guard = recovered(conditional.lock.lock());
            Notes::mark();
            let (_guard, is_in_time) = conditional.condition.wait_timeout(guard, A_WHILE).unwrap();
            assert!(!is_in_time);
        })
        .check(takes_no_notification);
    vec![
        notify("Condition: one of three notified", Condition::notify_one),
        notify("Condition: two of three notified", |condition| condition.notify_n(2)),
        notify("Condition: all notified", Condition::notify_all),
        wait,
        in_vain,
        waited_while(),
        waited_with_depth(),
    ]
}

/// Until the word changes, which all see.
fn waited_while() -> Operation {
    operation("Condition: waited for while something is so", |_| Conditional::new())
        .victim(|conditional, notes| {
            let guard = recovered(conditional.lock.lock());
            Notes::mark();
            let is_so = |_: &mut LockGuard<'_>| notes.reached() == 0;
            drop(conditional.condition.wait_while(guard, is_so).unwrap());
        })
        .assist(|conditional, notes| {
            notes.reach(1);
            conditional.condition.notify_one();
        })
        .check(takes_no_notification)
}

/// An `RLock` is given away at whatever depth, and taken again at the same.
fn waited_with_depth() -> Operation {
    let set_up = |_: &Notes| (RLock::new().unwrap(), Condition::new().unwrap());
    operation("Condition: waited for with an RLock, twice", set_up)
        .victim(|(lock, condition), _| {
            let _outer = recovered(lock.lock());
            let inner = recovered(lock.lock());
            Notes::mark();
            drop(condition.wait(inner).unwrap());
        })
        .assist(|(_, condition), _| condition.notify_one())
        .check(|(lock, condition), _| {
            drop(recovered(lock.lock()));
            waits_again(condition, || drop(recovered(condition.wait(recovered(lock.lock())))))
        })
}

/// A dead waiter has taken no notification with it: the next one gets it.
fn takes_no_notification(conditional: &mut Conditional, _: &Notes) -> Verdict {
    drop(recovered(conditional.lock.lock()));
    let Conditional { lock, condition, .. } = conditional;
    waits_again(condition, || drop(recovered(condition.wait(recovered(lock.lock())))))
}

fn waits_again(condition: &Condition, wait: impl FnOnce()) -> Verdict {
    let partner = Partner::waiting(|| {
        wait();
        Ok(())
    });
    partner.let_wait();
    condition.notify_one();
    partner.join()
}
