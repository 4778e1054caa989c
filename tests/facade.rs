//! The facade's names: each is there, and is what its crate made it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::thread;

use multiprocess as mp;

fn double(n: u32) -> u32 {
    n * 2
}

fn apply(f: mp::Func<(u32,), u32>, n: u32) -> u32 {
    f.call((n,))
}

fn panic_on_purpose() {
    panic!("on purpose");
}

/// Leaves a word in a pipe when its process ends.
fn end_with(word: String, pipe: mp::Descriptor) {
    let mut pipe = File::from(pipe.into_owned().unwrap());
    mp::at_exit(move || pipe.write_all(word.as_bytes()).unwrap());
}

#[mp::test]
fn a_child_computes() {
    let child: mp::Process<u32> = mp::spawn(double, (21,)).unwrap();
    assert_eq!(child.join(), Ok(42));
}

#[mp::test]
fn a_child_is_known_while_it_lives() {
    let parked = mp::spawn(thread::park, ()).unwrap();
    let pid = parked.pid();
    let listed = |children: Vec<mp::Child>| children.iter().any(|child| child.pid() == pid);
    assert!(listed(mp::active_children()));
    parked.kill().unwrap();
    assert!(matches!(parked.wait(), mp::ExitStatus::Signaled { signal: 9, .. }));
    assert!(!listed(mp::active_children()));
}

#[mp::test]
fn a_child_knows_itself_and_its_parent() {
    let pids = || (mp::current_process().pid(), mp::parent_process().map(|parent| parent.pid()));
    let child = mp::spawn(pids, ()).unwrap();
    let own = child.pid();
    assert_eq!(child.join(), Ok((own, Some(std::process::id()))));
}

#[mp::test]
fn a_failure_says_what_happened() {
    let options = mp::Process::builder().stderr(mp::Stdio::Null).limit(mp::Limit::Core, 0);
    let failed = options.spawn(panic_on_purpose, ()).unwrap().join();
    let error: mp::JoinError = failed.unwrap_err();
    let mp::Failure::Panicked(mp::Panic { message, .. }) = error.into_failure() else {
        panic!("another failure");
    };
    assert_eq!(message, "on purpose");
}

#[mp::test]
fn a_start_that_fails_is_an_error() {
    let refused = mp::Process::builder().env("A\0B", "").spawn(double, (1,));
    assert!(matches!(refused, Err(mp::SpawnError::NulByte { .. })));
}

#[mp::test]
fn functions_and_handles_travel() {
    let function = mp::Func::new(double).unwrap();
    assert_eq!(mp::spawn(apply, (function, 4)).unwrap().join(), Ok(8));

    let (mut reader, writer) = io::pipe().unwrap();
    let writer = mp::Descriptor::from(OwnedFd::from(writer));
    mp::spawn(end_with, ("goodbye".into(), writer)).unwrap().join().unwrap();
    let mut word = String::new();
    reader.read_to_string(&mut word).unwrap();
    assert_eq!(word, "goodbye");

    let parcel = mp::Parcel::encode(&7).unwrap();
    assert_eq!(parcel.decode::<i32>().unwrap(), 7);
}

mod program {
    #[multiprocess::main]
    pub(super) fn main() -> usize {
        multiprocess::cpu_count()
    }
}

#[mp::test]
fn in_the_first_process_every_way_in_returns() {
    mp::init();
    mp::init_with(|| {});
    mp::init_test(module_path!(), "in_the_first_process_every_way_in_returns");
    mp::init_test_with(module_path!(), "in_the_first_process_every_way_in_returns", || {});
    assert!(program::main() >= 1);
}

#[cfg(feature = "pool")]
#[mp::test]
fn a_pool_computes() {
    assert!(matches!(mp::Pool::new(0), Err(mp::PoolError::Zero { .. })));
    let pool = mp::Pool::new(1).unwrap();
    let sum: mp::AsyncResult<u32> = pool.apply_async(double, (5,));
    assert_eq!(sum.get(), Ok(10));
    pool.close();
    assert_eq!(pool.apply(double, (5,)).unwrap_err().kind, mp::TaskErrorKind::PoolClosed);
}

#[test]
fn the_crates_are_modules() {
    assert!(mp::handle::Deadline::NEVER.remaining().is_none());
    let _: mp::process::Builder = mp::Process::builder();
    #[cfg(feature = "pool")]
    let _: mp::pool::Builder = mp::Pool::builder();
}

/// What a child does with one of each that can be shared.
fn share(
    locks: (mp::Lock, mp::RLock, mp::RwLock, mp::Semaphore, mp::BoundedSemaphore),
    signals: (mp::Condition, mp::Event, mp::Barrier),
    memory: (mp::Value<u32>, mp::Array<u8>, mp::RawValue<u64>, mp::RawArray<f64>),
    segments: (mp::SharedMemory, mp::ShareableList),
) {
    let (lock, rlock, rwlock, semaphore, bounded) = locks;
    let _held = (lock.lock().unwrap(), rlock.lock().unwrap(), rwlock.read().unwrap());
    drop((semaphore.acquire(), bounded.acquire()));
    let (condition, event, barrier) = signals;
    condition.notify_all();
    event.set();
    assert_eq!(barrier.parties(), 1);
    let (value, array, raw_value, raw_array) = memory;
    *value.lock().unwrap() += 1;
    array.set(0, 2).unwrap();
    raw_value.set(3);
    raw_array.set(0, 4.0).unwrap();
    segments.0.write(0, &[5]).unwrap();
    segments.1.set(0, 6_i64).unwrap();
}

#[mp::test]
fn a_manager_serves_objects() {
    let manager = mp::Manager::start().unwrap();
    let list: mp::manager::ListProxy<u32> = manager.list().unwrap();
    let push = |list: mp::manager::ListProxy<u32>| list.push(&7).unwrap();
    mp::spawn(push, (list.clone(),)).unwrap().join().unwrap();
    assert_eq!(list.snapshot().unwrap(), [7]);
}

#[mp::test]
fn all_that_is_shared_travels() {
    let permits = (mp::Semaphore::new(1).unwrap(), mp::BoundedSemaphore::new(1).unwrap());
    let (lock, rlock) = (mp::Lock::new().unwrap(), mp::RLock::new().unwrap());
    let locks = (lock, rlock, mp::RwLock::new().unwrap(), permits.0, permits.1);
    let (condition, event) = (mp::Condition::new().unwrap(), mp::Event::new().unwrap());
    let signals = (condition, event, mp::Barrier::new(1).unwrap());
    let raw = (mp::RawValue::new(0).unwrap(), mp::RawArray::from_slice(&[0.0]).unwrap());
    let (value, array) = (mp::Value::new(0).unwrap(), mp::Array::zeroed(1).unwrap());
    let memory = (value, array, raw.0, raw.1);
    let list = mp::ShareableList::new([mp::shm::Item::from(0_i64)]).unwrap();
    let segments = (mp::SharedMemory::new(1).unwrap(), list);

    let arguments = (locks, signals.clone(), memory.clone(), segments.clone());
    mp::spawn(share, arguments).unwrap().join().unwrap();

    assert!(signals.1.is_set());
    assert_eq!((memory.0.get().unwrap(), memory.1.get(0).unwrap()), (1, 2));
    assert_eq!((memory.2.get(), memory.3.get(0).unwrap()), (3, 4.0));
    let mut byte = [0];
    segments.0.read(0, &mut byte).unwrap();
    assert_eq!(byte, [5]);
    assert_eq!(segments.1.get(0).unwrap(), mp::shm::Item::Int(6));
}

#[cfg(feature = "queue")]
fn twice_what_comes(numbers: mp::Queue<u32>, doubled: mp::Sender<u32>) {
    for number in numbers.get_many(3).unwrap() {
        doubled.send(number.unwrap() * 2).unwrap();
    }
}

#[cfg(feature = "queue")]
#[mp::test]
fn messages_go_through_queues_channels_and_pipes() {
    let numbers = mp::Queue::new().unwrap();
    let (sender, receiver): (mp::Sender<u32>, mp::Receiver<u32>) = mp::channel().unwrap();
    numbers.put_many(vec![1, 2, 3]).unwrap();
    let child = mp::spawn(twice_what_comes, (numbers, sender)).unwrap();
    assert_eq!(receiver.iter().collect::<Vec<_>>(), [2, 4, 6]);
    child.join().unwrap();
    let (left, right): (mp::Connection<u8, u8>, mp::Connection<u8, u8>) = mp::pipe().unwrap();
    left.send(&7).unwrap();
    assert_eq!(right.recv().unwrap(), 7);
}
