//! Functions that a server calls for other programs: those that it allows, by name, and no others.

mod common {
    pub(crate) mod watchdog;
}

use common::watchdog::watchdog;
use mp_manager::{Address, DictProxy, Manager, ManagerError, Proxy, Transaction};
use mp_process::spawn;

const KEY: &str = "a long secret";

fn remote(address: &Address) -> Manager {
    Manager::connect(address, KEY).unwrap()
}

#[mp_process::test]
fn functions_are_called_by_name_alone() {
    let _watchdog = watchdog();
    let manager = Manager::builder().key(KEY).allow("counter", |start: u64| start).allow_method(
        "add",
        |count: &mut u64, n: u64| {
            *count += n;
            *count
        },
    );
    let manager = manager.start().unwrap();
    let address = manager.address().unwrap().unwrap();
    spawn(
        |address: Address| {
            let manager = remote(&address);
            let counter: Proxy<u64> = manager.create_named("counter", (40,)).unwrap();
            assert_eq!(counter.call_named::<_, u64>("add", (2,)).unwrap(), 42);
            let unknown = counter.call_named::<_, u64>("subtract", (2,));
            assert!(matches!(unknown, Err(ManagerError::NoSuchFunction { .. })));
            let sent = counter.call(|count: &mut u64| *count, ());
            assert!(matches!(sent, Err(ManagerError::OtherProgram)));
            let made = manager.create(|| 1_u64, ());
            assert!(matches!(made, Err(ManagerError::OtherProgram)));
            let dict = manager.dict::<u8, u8>().unwrap();
            let updated = dict.upsert_with(&1, &0, |n: &mut u8| *n += 1, ());
            assert!(matches!(updated, Err(ManagerError::OtherProgram)));
            assert_eq!(dict.len().unwrap(), 0, "the connection is as good as before");
        },
        (address,),
    )
    .unwrap()
    .join()
    .unwrap();
}

fn transfer(accounts: &mut Transaction<String, i64>, amount: i64) -> bool {
    let (ann, bob) = ("ann".to_owned(), "bob".to_owned());
    let (rich, poor) = (accounts.get(&ann).unwrap_or(0), accounts.get(&bob).unwrap_or(0));
    accounts.set(&ann, &(rich - amount));
    accounts.set(&bob, &(poor + amount));
    assert!(rich >= amount, "not enough");
    true
}

/// A server that allows each kind of function.
fn allowing() -> Manager {
    let add = |sum: &mut i64, n: i64| {
        *sum += n;
        *sum
    };
    let builder = Manager::builder().key(KEY).allow("make", |n: i64| n).allow_method("call", add);
    let builder = builder.allow_update("add", add);
    builder.allow_transaction::<String, i64, _, _>("transfer", transfer).start().unwrap()
}

#[mp_process::test]
fn updates_and_transactions_are_called_by_name() {
    let _watchdog = watchdog();
    let manager = allowing();
    let there = remote(&manager.address().unwrap().unwrap());
    let accounts: DictProxy<String, i64> = there.dict().unwrap();
    assert_eq!(accounts.update_named::<_, _, i64>("ann", "add", (1,)).unwrap(), None);
    assert_eq!(accounts.upsert_named::<_, _, i64>("ann", &50, "add", (50,)).unwrap(), 100);
    assert_eq!(accounts.update_named("ann", "add", (-10,)).unwrap(), Some(90_i64));
    assert!(accounts.transaction_named::<_, bool>("transfer", (70,)).unwrap());
    let refused = accounts.transaction_named::<_, bool>("transfer", (70,));
    assert!(matches!(refused, Err(ManagerError::Panicked(_))), "{refused:?}");
    assert_eq!(accounts.snapshot().unwrap(), [("ann".into(), 20), ("bob".into(), 70)]);
}

#[mp_process::test]
fn a_function_for_something_else_is_refused_and_changes_nothing() {
    let _watchdog = watchdog();
    let manager = allowing();
    let there = remote(&manager.address().unwrap().unwrap());
    let object: Proxy<i64> = there.create_named("make", (7,)).unwrap();
    let dict: DictProxy<String, i64> = there.dict().unwrap();
    dict.set("ann", &7).unwrap();
    for name in ["make", "add", "transfer"] {
        let called = object.call_named::<_, i64>(name, (1,));
        assert!(matches!(called, Err(ManagerError::WrongType { .. })), "{name}: {called:?}");
    }
    for name in ["make", "call", "transfer"] {
        let updated = dict.update_named::<_, _, i64>("ann", name, (1,));
        assert!(matches!(updated, Err(ManagerError::WrongType { .. })), "{name}: {updated:?}");
    }
    for name in ["make", "call", "add"] {
        let done = dict.transaction_named::<_, bool>(name, (1,));
        assert!(matches!(done, Err(ManagerError::WrongType { .. })), "{name}: {done:?}");
    }
    assert_eq!(object.call_named::<_, i64>("call", (1,)).unwrap(), 8);
    assert_eq!(dict.snapshot().unwrap(), [("ann".into(), 7)]);
}

/// Its workers would run nothing for another program, and be processes all the same.
#[cfg(feature = "pool")]
#[mp_process::test]
fn no_pool_is_made_for_another_program() {
    let _watchdog = watchdog();
    let manager = allowing();
    let made = remote(&manager.address().unwrap().unwrap()).pool(1);
    assert!(matches!(made, Err(ManagerError::OtherProgram)), "{made:?}");
    assert!(manager.objects().unwrap().is_empty());
}
