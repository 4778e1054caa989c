//! [`SystemSemaphore`], which is glibc's: permits of the dead are lost, but nobody hangs for it.

use std::time::Duration;

use mp_sync::{Name, SystemSemaphore};

use crate::notes::Notes;
use crate::operation::{Operation, Verdict, ensure, operation};
use crate::partner::Partner;

/// Long enough to sleep, and to sleep again.
const A_WHILE: Duration = Duration::from_millis(70);

struct System {
    semaphore: SystemSemaphore,
    name: Name,
    partner: Option<Partner>,
}

impl System {
    fn new(permits: u32) -> System {
        let name = Name::from(format!("killed-{}", std::process::id()));
        let _ = SystemSemaphore::unlink(name.clone());
        let semaphore = SystemSemaphore::create(name.clone(), permits).unwrap();
        System { semaphore, name, partner: None }
    }
}

impl Drop for System {
    fn drop(&mut self) {
        let _ = SystemSemaphore::unlink(self.name.clone());
    }
}

pub(super) fn operations() -> Vec<Operation> {
    let awaited = |_: &Notes| {
        let mut system = System::new(0);
        let wait = || {
            system.semaphore.acquire();
            Ok(())
        };
        system.partner = Some(Partner::waiting(wait));
        system
    };
    let released = operation("SystemSemaphore: released to one who waits", awaited)
        .victim(|system, _| {
            system.partner.as_ref().unwrap().let_wait();
            Notes::mark();
            system.semaphore.release().unwrap();
        })
        .check(|system, notes| {
            let partner = system.partner.take().unwrap();
            if !notes.is_finished() {
                // What the victim did or did not do, one more is enough.
                system.semaphore.release().map_err(|error| error.to_string())?;
            }
            partner.join()
        });
    let acquired = operation("SystemSemaphore: acquired", |_| System::new(1))
        .victim(|system, _| {
            Notes::mark();
            system.semaphore.acquire();
        })
        .check(at_most_one_taken);
    let tried = operation("SystemSemaphore: tried", |_| System::new(1))
        .victim(|system, _| {
            Notes::mark();
            assert!(system.semaphore.try_acquire());
        })
        .check(at_most_one_taken);
    let waited = operation("SystemSemaphore: waited for and acquired", |_| System::new(0))
        .victim(|system, _| {
            Notes::mark();
            system.semaphore.acquire();
        })
        .assist(|system, notes| {
            if notes.reached() == 0 {
                notes.reach(1);
                system.semaphore.release().unwrap();
            }
        })
        .check(can_be_used);
    let in_vain = operation("SystemSemaphore: waited for in vain", |_| System::new(0))
        .victim(|system, _| {
            Notes::mark();
            assert!(!system.semaphore.acquire_timeout(A_WHILE));
        })
        .check(can_be_used);
    vec![released, acquired, tried, waited, in_vain]
}

fn at_most_one_taken(system: &mut System, notes: &Notes) -> Verdict {
    let available = system.semaphore.available();
    ensure!(available <= u32::from(!notes.is_finished()), "{available} permits");
    Ok(())
}

/// Whoever waited for it before, the next permit is had.
fn can_be_used(system: &mut System, _: &Notes) -> Verdict {
    system.semaphore.release().map_err(|error| error.to_string())?;
    system.semaphore.acquire();
    let available = system.semaphore.available();
    ensure!(available <= 1, "{available} permits");
    Ok(())
}
