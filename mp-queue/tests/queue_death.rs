//! Whoever is killed, stopped, or simply ends: the others go on, and what was put is there.

mod common {
    pub(crate) mod idle;
    pub(crate) mod random;
    pub(crate) mod watchdog;
}

use std::fs::File;
use std::os::fd::OwnedFd;
use std::thread;
use std::time::{Duration, Instant};

use common::idle::is_idle;
use common::random::Random;
use common::watchdog::watchdog;
use mp_handle::Descriptor;
use mp_process::{Limit, Process, spawn};
use mp_queue::{GetError, PutReason, Queue};

/// How many processes a test kills: `MP_DEATHS`, or a few.
fn deaths() -> u32 {
    std::env::var("MP_DEATHS").ok().and_then(|deaths| deaths.parse().ok()).unwrap_or(30)
}

/// Lets some time pass, up to three milliseconds, without sleeping.
fn a_moment(random: &mut Random) {
    let end = Instant::now() + Duration::from_micros(random.below(3000).into());
    while Instant::now() < end {
        std::hint::spin_loop();
    }
}

fn kill<R: serde::de::DeserializeOwned + std::fmt::Debug>(victim: Process<R>) {
    victim.kill().unwrap();
    victim.join().unwrap_err();
}

fn put_and_exit(queue: Queue<Vec<u8>>) {
    for number in 0..100 {
        queue.put(vec![number; 100_000]).unwrap();
    }
    std::process::exit(0);
}

#[mp_process::test]
fn one_that_exits_right_after_put_loses_nothing() {
    let _watchdog = watchdog();
    let queue = Queue::new().unwrap();
    spawn(put_and_exit, (queue.clone(),)).unwrap().wait();
    for number in 0..100 {
        assert_eq!(queue.try_get().unwrap(), vec![number; 100_000]);
    }
    assert!(matches!(queue.try_get(), Err(GetError::Empty)));
}

fn put_for_ever(queue: Queue<(u32, Option<Descriptor>)>) {
    let null = Descriptor::from(OwnedFd::from(File::open("/dev/null").unwrap()));
    for number in 0.. {
        let file = (number % 3 == 0).then(|| null.clone());
        queue.put((number, file)).unwrap();
    }
}

#[mp_process::test]
fn a_producer_killed_at_any_moment_leaves_whole_messages_in_order() {
    let _watchdog = watchdog();
    let mut random = Random::new(1);
    let queue = Queue::bounded(50).unwrap();
    for _ in 0..deaths() {
        let producer = spawn(put_for_ever, (queue.clone(),)).unwrap();
        let mut expected = 0;
        let mut take = |message: (u32, Option<Descriptor>)| {
            assert_eq!((message.0, message.1.is_some()), (expected, expected % 3 == 0));
            expected += 1;
        };
        take(queue.get().unwrap());
        let end = random.below(2000);
        (0..end).for_each(|_| take(queue.get().unwrap()));
        kill(producer);
        while let Ok(message) = queue.try_get() {
            take(message);
        }
        assert!(queue.is_empty());
    }
}

fn get_for_ever(queue: Queue<(u32, Option<Descriptor>)>) {
    loop {
        queue.get().unwrap();
    }
}

#[mp_process::test]
fn a_consumer_killed_at_any_moment_is_in_nobodys_way() {
    let _watchdog = watchdog();
    let mut random = Random::new(2);
    let queue = Queue::bounded(50).unwrap();
    let null = Descriptor::from(OwnedFd::from(File::open("/dev/null").unwrap()));
    for _ in 0..deaths() {
        let consumer = spawn(get_for_ever, (queue.clone(),)).unwrap();
        let end = random.below(2000);
        for number in 0..end {
            queue.put((number, (number % 3 == 0).then(|| null.clone()))).unwrap();
        }
        kill(consumer);
        let mut last = None;
        while let Ok((number, file)) = queue.try_get() {
            assert!(last.is_none_or(|last: u32| number == last + 1));
            assert_eq!(file.is_some(), number % 3 == 0);
            last = Some(number);
        }
        assert!(queue.is_empty());
    }
}

#[mp_process::test]
fn a_sleeper_that_is_killed_takes_nobodys_wake() {
    let _watchdog = watchdog();
    let mut random = Random::new(3);
    let queue: Queue<(u32, Option<Descriptor>)> = Queue::new().unwrap();
    for _ in 0..deaths() {
        let victim = spawn(get_for_ever, (queue.clone(),)).unwrap();
        thread::scope(|scope| {
            // Takes what the victim leaves; a hundred is more than it can take before it is killed
            // again and again.
            let other = scope.spawn(|| queue.get().unwrap());
            a_moment(&mut random);
            queue.put((1, None)).unwrap();
            kill(victim);
            queue.put((2, None)).unwrap();
            other.join().unwrap();
        });
        while queue.try_get().is_ok() {}
    }
}

#[mp_process::test]
fn a_stopped_consumer_leaves_producers_their_time_out() {
    let _watchdog = watchdog();
    let queue = Queue::bounded(10).unwrap();
    let consumer = spawn(get_for_ever, (queue.clone(),)).unwrap();
    queue.put((0, None)).unwrap();
    let timeout = Duration::from_millis(60);
    loop {
        while !queue.is_empty() {
            thread::yield_now();
        }
        consumer.send_signal(19).unwrap();
        let (start, mut put) = (Instant::now(), 0);
        while queue.put_timeout((put, None), timeout).is_ok() {
            put += 1;
        }
        assert!(put >= 10 && start.elapsed() >= timeout);
        // Another consumer is not held up by one that was stopped while it waited; only by one that
        // was stopped amid looking for a message.
        if queue.try_get().is_ok() {
            break;
        }
        consumer.send_signal(18).unwrap();
    }
    while queue.try_get().is_ok() {}
    queue.put((1, None)).unwrap();
    kill(consumer);
}

fn fill_up(queue: Queue<Vec<u8>>) -> String {
    loop {
        if let Err(error) = queue.put(vec![1; 300_000]) {
            return format!(
                "{:?} {}",
                matches!(error.reason, PutReason::NoMemory(_)),
                error.value.len()
            );
        }
    }
}

#[mp_process::test]
fn want_of_address_space_is_an_error_with_the_value() {
    let _watchdog = watchdog();
    let queue = Queue::new().unwrap();
    let builder = Process::builder().limit(Limit::AddressSpace, 200 << 20);
    let child = builder.spawn(fill_up, (queue.clone(),)).unwrap();
    let answer = child.join().unwrap();
    assert!(answer.ends_with(" 300000"), "{answer}");
    assert_eq!(queue.get().unwrap(), vec![1; 300_000]);
}

fn get_with_few_descriptors(queue: Queue<Vec<Descriptor>>) -> (bool, usize) {
    let full = queue.get();
    let is_refused = matches!(full, Err(GetError::TooManyDescriptors(_)));
    (is_refused, queue.len())
}

#[mp_process::test]
fn a_receiver_without_room_for_descriptors_leaves_the_message_to_others() {
    let _watchdog = watchdog();
    let queue = Queue::new().unwrap();
    let null = |_| Descriptor::from(OwnedFd::from(File::open("/dev/null").unwrap()));
    queue.put((0..100).map(null).collect()).unwrap();
    let builder = Process::builder().limit(Limit::OpenFiles, 60);
    let child = builder.spawn(get_with_few_descriptors, (queue.clone(),)).unwrap();
    assert_eq!(child.join().unwrap(), (true, 1));
    assert_eq!(queue.get().unwrap().len(), 100);
}

fn waits_idly(queue: Queue<u8>) -> bool {
    is_idle(Duration::from_millis(10), || {
        assert!(queue.get_timeout(Duration::from_secs(2)).is_err());
    })
}

#[mp_process::test]
fn to_wait_is_to_sleep() {
    let _watchdog = watchdog();
    let is_idle = spawn(waits_idly, (Queue::new().unwrap(),)).unwrap().join().unwrap();
    assert!(is_idle, "10 ms or more of two seconds");
}
