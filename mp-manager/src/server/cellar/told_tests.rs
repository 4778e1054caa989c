//! What becomes of those who wait for a store that fails.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{Cellar, Keep, Shelf, Store};
use crate::error::Refusal;
use crate::objects::{Aide, Reply, Ticket};
use crate::origin::Origin;
use crate::server::Roster;

fn cellar() -> Cellar {
    let keep = Keep { path: ":memory:".into(), survives_power_loss: false };
    let store = Store::open(&keep).unwrap();
    let origin = Origin::Local { server: 1, pid: 1 };
    let roster = Arc::new(Roster::default());
    let aide = Arc::new(Aide {
        origin,
        roster,
        max_bytes: usize::MAX,
        allows_proxies: false,
        #[cfg(feature = "pool")]
        outside: Arc::new(crate::server::Outside::new(mp_handle::Bell::new().unwrap())),
    });
    let (numbers, names) = (HashMap::from([(7, 1)]), BTreeMap::new());
    let shelf =
        Shelf { store, aide, numbers, names, held: Vec::new(), is_dirty: false, failure: None };
    Cellar { shelf: Some(shelf) }
}

const TICKET: Ticket = Ticket { client: 1, request: 2 };

#[test]
fn answers_leave_when_what_they_tell_is_kept() {
    let mut cellar = cellar();
    assert!(!cellar.holds_answers() && cellar.commit().is_empty());
    cellar.shelf.as_mut().unwrap().write(|store| store.create("it", 1));
    assert!(cellar.holds_answers());
    cellar.hold(TICKET, Ok(&mut Reply { bytes: vec![5], ..Reply::default() }));
    let answered = cellar.commit();
    assert!(matches!(&answered[..], [(TICKET, Ok(reply))] if reply.bytes == [5]));
    assert!(!cellar.holds_answers() && cellar.aide(7).unwrap().is_some());
}

#[test]
fn who_waits_for_what_cannot_be_kept_is_refused_and_so_are_all_later() {
    let mut cellar = cellar();
    let shelf = cellar.shelf.as_mut().unwrap();
    shelf.write(|_| Err::<(), _>("no room".to_owned()));
    cellar.hold(TICKET, Ok(&mut Reply::default()));
    let refused = Refusal::NotKept("no room".to_owned());
    let answered = cellar.commit();
    assert!(matches!(&answered[..], [(TICKET, Err(reason))] if *reason == refused));
    assert_eq!(cellar.aide(7).err(), Some(refused));
    assert!(cellar.aide(8).unwrap().is_none(), "others are not affected");
}
