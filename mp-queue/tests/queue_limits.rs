//! Queues at the limits of the system: many processes, many descriptors.

mod common {
    pub(crate) mod watchdog;
}

use std::fs::File;
use std::os::fd::OwnedFd;

use common::watchdog::watchdog;
use mp_handle::Descriptor;
use mp_process::{Limit, Process, spawn};
use mp_queue::{GetError, PutReason, Queue, Receiver, Sender, channel, sync_channel};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

fn put_ten(numbers: Sender<u32>, first: u32) {
    (first..first + 10).for_each(|number| numbers.send(number).unwrap());
}

fn pass_on(numbers: Receiver<u32>, results: Sender<u32>) {
    numbers.iter().for_each(|number| results.send(number).unwrap());
}

#[mp_process::test]
fn sixty_four_put_and_sixty_four_get() {
    let _watchdog = watchdog();
    for (sender, receiver) in [channel().unwrap(), sync_channel(3).unwrap()] {
        let (results, all) = channel().unwrap();
        let consumers: Vec<_> =
            (0..64).map(|_| spawn(pass_on, (receiver.clone(), results.clone())).unwrap()).collect();
        let producers: Vec<_> =
            (0..64).map(|n| spawn(put_ten, (sender.clone(), 10 * n)).unwrap()).collect();
        drop((sender, receiver, results));
        let mut numbers: Vec<u32> = all.iter().collect();
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(0..640));
        producers.into_iter().chain(consumers).for_each(|child| child.join().unwrap());
    }
}

fn nulls(count: usize) -> Vec<Descriptor> {
    let null = OwnedFd::from(File::open("/dev/null").unwrap());
    (0..count).map(|_| Descriptor::from(null.try_clone().unwrap())).collect()
}

fn raise_limit() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
}

#[mp_process::test]
fn more_descriptors_than_the_kernel_takes_at_once_travel_in_one_message() {
    raise_limit();
    let queue = Queue::new().unwrap();
    for count in [252, 253, 254, 506, 507, 1000] {
        queue.put((count, nulls(count))).unwrap();
        let (expected, arrived): (usize, Vec<Descriptor>) = queue.get().unwrap();
        assert_eq!((expected, arrived.len()), (count, count));
        assert!(arrived.into_iter().all(|null| null.into_owned().is_ok()));
    }
}

fn get_with_few_descriptors(queue: Queue<Vec<Descriptor>>) -> (bool, usize) {
    let is_refused = matches!(queue.get(), Err(GetError::TooManyDescriptors(_)));
    (is_refused, queue.len())
}

#[mp_process::test]
fn many_descriptors_without_room_for_them_stay_for_others() {
    let _watchdog = watchdog();
    raise_limit();
    let queue = Queue::new().unwrap();
    queue.put(nulls(600)).unwrap();
    for limit in [60, 400] {
        let builder = Process::builder().limit(Limit::OpenFiles, limit);
        let child = builder.spawn(get_with_few_descriptors, (queue.clone(),)).unwrap();
        assert_eq!(child.join().unwrap(), (true, 1), "{limit}");
    }
    assert_eq!(queue.get().unwrap().len(), 600);
}

/// Puts descriptors until the kernel takes no more from this user. The superuser has no limit.
fn fill_as_an_ordinary_user() -> (usize, usize, bool) {
    const NOBODY: u32 = 65534;
    if rustix::process::getuid().is_root() {
        // SAFETY: nothing but a system call.
        assert_eq!(unsafe { libc::setuid(NOBODY) }, 0);
    }
    setrlimit(Resource::Nofile, Rlimit { current: Some(100), maximum: Some(100) }).unwrap();
    let queue = Queue::new().unwrap();
    let mut put = 0;
    let refused = loop {
        match queue.put(nulls(10)) {
            Ok(()) => put += 1,
            Err(error) => break error,
        }
        assert!(put < 1000, "no limit");
    };
    assert!(matches!(refused.reason, PutReason::TooManyDescriptors(_)), "{refused}");
    assert_eq!(refused.value.len(), 10);
    let mut got = 0;
    while let Ok(nulls) = queue.try_get() {
        assert_eq!(nulls.len(), 10);
        got += 1;
    }
    (put, got, queue.put(nulls(10)).is_ok())
}

#[mp_process::test]
fn the_limit_of_descriptors_on_their_way_is_an_error_and_passes() {
    let _watchdog = watchdog();
    let (put, got, is_well) = spawn(fill_as_an_ordinary_user, ()).unwrap().join().unwrap();
    assert!(put >= 5 && got == put && is_well, "{put} put, {got} got");
}
