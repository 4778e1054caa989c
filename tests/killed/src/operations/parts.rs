//! [`ArrayPart`]: who dies with a part is told of, to those who want some of it.

use std::mem;
use std::time::Duration;

use mp_shm::{Array, ArrayPart, LockError};

use crate::notes::Notes;
use crate::operation::{Operation, Verdict, ensure, operation};
use crate::partner::Partner;

/// Long enough to sleep, and to sleep again.
const A_WHILE: Duration = Duration::from_millis(70);

/// What a victim [reaches](Notes::reach) when it has claimed a part.
const CLAIMED: u32 = 1;
/// And before it gives the part back.
const WRITTEN: u32 = 2;

struct Shared {
    part: ArrayPart<u32>,
    partner: Option<Partner>,
}

impl Shared {
    fn new() -> Shared {
        Shared { part: Array::zeroed(8).unwrap().part(2..6), partner: None }
    }

    /// One of which another process has some elements.
    fn held() -> Shared {
        let mut shared = Shared::new();
        let other = shared.part.array().part(4..8);
        shared.partner = Some(Partner::holding(|inside| {
            let _guard = other.claim().unwrap();
            inside();
        }));
        shared
    }

    /// One of which a dead process has some elements.
    fn abandoned() -> Shared {
        let shared = Shared::new();
        let other = shared.part.array().part(4..8);
        Partner::start(|| {
            mem::forget(other.claim());
            Ok(())
        })
        .join()
        .unwrap();
        shared
    }

    /// One of which another process waits for some elements, or for all, if it is told to.
    fn awaited(notes: &Notes, for_all: bool) -> Shared {
        let mut shared = Shared::new();
        let wait = || {
            let found = if for_all {
                shared.part.array().lock().err().map(|error| error.to_string())
            } else {
                shared.part.array().part(0..3).claim().err().map(|error| error.to_string())
            };
            ensure!(found.is_none() || !notes.is_finished(), "{found:?} after the end");
            Ok(())
        };
        shared.partner = Some(Partner::waiting(wait));
        shared
    }

    fn write(&self, notes: &Notes) {
        let mut guard = self.part.claim().unwrap();
        notes.reach(CLAIMED);
        guard.fill(1);
        notes.reach(WRITTEN);
    }

    /// A death within the part is told, and all can be had after a recovery.
    fn check(&mut self, notes: &Notes) -> Verdict {
        self.partner.take().map_or(Ok(()), |partner| partner.join())?;
        let array = self.part.array();
        let (found, is_told) = match array.lock() {
            Ok(guard) => (guard[2..6].to_vec(), false),
            Err(LockError::OwnerDied(died)) => (died.recover()[2..6].to_vec(), true),
            Err(error) => return Err(error.to_string()),
        };
        let is_whole = found.iter().all(|&element| element == found[0]);
        ensure!(is_told || is_whole, "{found:?}, and nobody died");
        ensure!(is_told || notes.reached() != CLAIMED, "it died with a part, and nobody is told");
        ensure!(!is_told || !notes.is_finished(), "told of a death after the end");
        let all = array.part(0..8);
        let again = all.claim();
        ensure!(again.is_ok(), "after a recovery it cannot be claimed: {:?}", again.err());
        Ok(())
    }
}

pub(super) fn operations() -> Vec<Operation> {
    let free = operation("ArrayPart: claimed and given back", |_| Shared::new())
        .victim(|shared, notes| {
            drop(Shared::new().part.claim());
            Notes::mark();
            shared.write(notes);
        })
        .check(Shared::check);
    let held = operation("ArrayPart: claimed after another process", |_| Shared::held())
        .victim(|shared, notes| {
            drop(Shared::new().part.claim());
            Notes::mark();
            shared.write(notes);
        })
        .assist(|shared, _| shared.partner.iter().for_each(Partner::go))
        .check(Shared::check);
    let awaited = |name: &str, for_all| {
        operation(name, move |notes| Shared::awaited(notes, for_all))
            .victim(|shared, _| {
                let guard = shared.part.claim().unwrap();
                shared.partner.iter().for_each(Partner::let_wait);
                Notes::mark();
                drop(guard);
            })
            .check(Shared::check)
    };
    let told = operation("ArrayPart: claimed after a dead process", |_| Shared::abandoned())
        .victim(|shared, _| {
            drop(Shared::new().part.claim());
            Notes::mark();
            shared.part.claim().unwrap_err();
        })
        .check(|shared, _| {
            let found = shared.part.array().lock();
            ensure!(matches!(found, Err(LockError::OwnerDied(_))), "the first death is forgotten");
            drop(found.or_else(LockError::recover));
            shared.check(&Notes::new())
        });
    let recovered =
        operation("Array: recovered from one who died with a part", |_| Shared::abandoned())
            .victim(|shared, _| {
                drop(Shared::new().part.claim());
                Notes::mark();
                drop(shared.part.array().lock().or_else(LockError::recover).unwrap());
            })
            .check(Shared::check);
    vec![
        free,
        held,
        in_time(),
        in_vain("ArrayPart: tried in vain", |part| part.try_claim().unwrap().is_none()),
        in_vain("ArrayPart: waited for in vain", |part| {
            part.claim_timeout(A_WHILE).unwrap().is_none()
        }),
        in_vain("Array: waited for in vain, of a part", |part| {
            part.array().lock_timeout(A_WHILE).unwrap().is_none()
        }),
        locked_after_a_part(),
        told,
        recovered,
        awaited("ArrayPart: given back to one who waits for a part", false),
        awaited("ArrayPart: given back to one who waits for the array", true),
    ]
}

fn in_time() -> Operation {
    operation("ArrayPart: claimed in time after another process", |_| Shared::held())
        .victim(|shared, _| {
            drop(Shared::new().part.claim());
            Notes::mark();
            assert!(shared.part.claim_timeout(20 * A_WHILE).unwrap().is_some());
        })
        .assist(|shared, _| shared.partner.iter().for_each(Partner::go))
        .check(Shared::check)
}

fn in_vain(name: &str, is_in_vain: fn(&ArrayPart<u32>) -> bool) -> Operation {
    operation(name, |_| Shared::held())
        .victim(move |shared, _| {
            drop(Shared::new().part.claim());
            Notes::mark();
            assert!(is_in_vain(&shared.part));
        })
        .check(Shared::check)
}

/// Who has the array has all parts.
fn locked_after_a_part() -> Operation {
    operation("Array: locked after a part of another process", |_| Shared::held())
        .victim(|shared, notes| {
            drop(Shared::new().part.claim());
            Notes::mark();
            let mut guard = shared.part.array().lock().unwrap();
            notes.reach(CLAIMED);
            guard.fill(1);
            notes.reach(WRITTEN);
        })
        .assist(|shared, _| shared.partner.iter().for_each(Partner::go))
        .check(Shared::check)
}
