//! What goes in comes out, of any size, in order, and in time.

mod common {
    pub(crate) mod random;
    pub(crate) mod watchdog;
}

use std::collections::VecDeque;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::thread;
use std::time::{Duration, Instant};

use common::random::Random;
use common::watchdog::watchdog;
use mp_handle::{Descriptor, Parcel};
use mp_process::spawn;
use mp_queue::{GetError, PutReason, Queue, SimpleQueue, channel, wait};
use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize, Serializer};

/// The same queue, as another process would see it.
fn arrive<T>(queue: &Queue<T>) -> Queue<T> {
    Parcel::encode(queue).unwrap().decode().unwrap()
}

fn bytes(len: usize, seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed + 1);
    (0..len).map(|_| random.below(256) as u8).collect()
}

#[mp_process::test]
fn messages_come_out_in_the_order_in_which_they_were_put() {
    let _watchdog = watchdog();
    let queue = Queue::new().unwrap();
    let peer = arrive(&queue);
    for number in 0..100_000_u32 {
        queue.put(number).unwrap();
    }
    assert_eq!(peer.len(), 100_000);
    for number in 0..100_000 {
        assert_eq!(peer.get().unwrap(), number);
    }
    assert!(queue.is_empty());
}

#[mp_process::test]
fn any_sequence_of_puts_and_gets_of_any_length_is_that_of_a_list() {
    let _watchdog = watchdog();
    for seed in 1..40 {
        let mut random = Random::new(seed);
        let queue: Queue<Vec<u8>> = Queue::new().unwrap();
        let mut list: VecDeque<Vec<u8>> = VecDeque::new();
        let bias = random.below(10);
        for step in 0..1500 {
            if random.below(10) < bias {
                let len = 1 << random.below(if step % 50 == 0 { 22 } else { 14 });
                let message = bytes(random.below(len) as usize, seed * 1000 + step);
                queue.put(message.clone()).unwrap();
                list.push_back(message);
            } else {
                assert_eq!(queue.try_get().ok(), list.pop_front());
            }
            assert_eq!(queue.len(), list.len());
            assert_eq!(queue.bytes(), list.iter().map(|message| message.len() as u64).sum());
            assert_eq!(queue.is_empty(), list.is_empty());
        }
        for message in list {
            assert_eq!(queue.get().unwrap(), message);
        }
    }
}

/// Leaves queues that are created from now on three segments only, of 21 MiB in all.
fn limit_files() {
    let limit = Rlimit { current: Some(22 << 20), maximum: Some(22 << 20) };
    setrlimit(Resource::Fsize, limit).unwrap();
}

/// Puts messages that no segment is sure to have room for.
fn put_what_has_no_place() {
    limit_files();
    let queue = Queue::new().unwrap();
    let (_, writer) = std::io::pipe().unwrap();
    let handle = Descriptor::from(OwnedFd::from(writer));
    for round in 0..20_u8 {
        let len = 9_000_000 + 300_000 * usize::from(round);
        queue.put((vec![round; len], None)).unwrap();
        queue.put((vec![round; len / 2], Some(handle.clone()))).unwrap();
        queue.put((vec![round; len], Some(handle.clone()))).unwrap();
        assert!(queue.get().unwrap().0 == vec![round; len]);
        for len in [len / 2, len] {
            let (bytes, handle) = queue.get().unwrap();
            assert!(bytes == vec![round; len] && handle.is_some());
        }
        assert_eq!((queue.len(), queue.bytes()), (0, 0));
    }
    let raw = Queue::new().unwrap();
    raw.put(vec![7_u8; 15_000_000]).unwrap();
    assert!(raw.get_in_place().is_err_and(|error| matches!(error, GetError::Elsewhere)));
    let mut buffer = Vec::new();
    raw.get_bytes_into(&mut buffer).unwrap();
    assert!(buffer == vec![7; 15_000_000]);
    // Not even a file of its own can hold this one.
    let error = raw.put(vec![0; 30_000_000]).unwrap_err();
    assert_eq!((error.value.len(), raw.len()), (30_000_000, 0));
    assert!(matches!(error.reason, PutReason::NoMemory(_) | PutReason::Io(_)), "{error}");
}

#[mp_process::test]
fn what_has_no_place_in_a_segment_goes_beside_it() {
    let _watchdog = watchdog();
    spawn(put_what_has_no_place, ()).unwrap().join().unwrap();
}

/// Fills and drains a queue that has three segments only, and compares it with a list.
fn exercise_a_small_file() -> usize {
    limit_files();
    let mut refused = 0;
    let mut random = Random::new(5);
    let queue: Queue<Vec<u8>> = Queue::new().unwrap();
    let mut list: VecDeque<Vec<u8>> = VecDeque::new();
    for step in 0..6000 {
        let message = vec![step as u8; random.below(400_000) as usize];
        let puts = [7, 5, 3][step / 500 % 3];
        if random.below(10) >= puts {
            assert!(queue.try_get().ok() == list.pop_front(), "{step}");
        } else if let Err(error) = queue.try_put(message.clone()) {
            assert!(error.is_full(), "{error}");
            refused += 1;
        } else {
            list.push_back(message);
        }
    }
    for message in list {
        assert!(queue.try_get().unwrap() == message);
    }
    refused
}

#[mp_process::test]
fn all_segments_are_used_in_turn_when_there_are_few() {
    let _watchdog = watchdog();
    let refused = spawn(exercise_a_small_file, ()).unwrap().join().unwrap();
    assert!(refused > 10, "it was never full");
}

#[mp_process::test]
fn messages_larger_than_the_small_segments_pass() {
    let _watchdog = watchdog();
    let queue = Queue::new().unwrap();
    for len in [0, 1, 7, 8, 9, 1 << 20, (1 << 20) + 1, 5 << 20, 20 << 20, 70 << 20] {
        let mut message = vec![3_u8; len];
        if let Some(last) = message.last_mut() {
            *last = 9;
        }
        queue.put(message.clone()).unwrap();
        queue.put(vec![1]).unwrap();
        assert!(queue.get().unwrap() == message, "{len}");
        assert_eq!(queue.get().unwrap(), [1]);
    }
}

/// `cargo test -p mp-queue --test queue four_gibibytes -- --ignored`
#[ignore = "takes twelve gibibytes of memory"]
#[mp_process::test]
fn a_message_of_four_gibibytes_passes() {
    let queue = Queue::new().unwrap();
    let mut message = vec![0_u8; 4 << 30];
    message[4 << 30 >> 1] = 7;
    queue.put(message).unwrap();
    let message: Vec<u8> = queue.get().unwrap();
    assert_eq!((message.len(), message[4 << 30 >> 1]), (4 << 30, 7));
}

#[mp_process::test]
fn a_full_queue_gives_the_value_back() {
    let _watchdog = watchdog();
    let queue = Queue::bounded(2).unwrap();
    queue.put("a".to_string()).unwrap();
    assert!(!queue.is_full());
    queue.put("b".to_string()).unwrap();
    assert!(queue.is_full());
    assert_eq!(queue.capacity(), Some(2));
    let error = queue.try_put("c".to_string()).unwrap_err();
    assert!(error.is_full());
    assert_eq!(error.into_inner(), "c");
    let (start, timeout) = (Instant::now(), Duration::from_millis(30));
    assert!(queue.put_timeout("d".to_string(), timeout).unwrap_err().is_full());
    assert!(start.elapsed() >= timeout);
    let error = queue.try_put_many(vec!["e".to_string()]).unwrap_err();
    assert_eq!(error.into_inner(), ["e"]);
    assert_eq!((queue.get().unwrap().as_str(), queue.len()), ("a", 1));
    let error = queue.try_put_many(vec!["f".to_string(), "g".to_string()]).unwrap_err();
    assert_eq!(error.into_inner(), ["g"]);
    assert_eq!(queue.len(), 2);
}

#[mp_process::test]
fn bytes_are_limited_too_but_a_large_message_passes_alone() {
    let _watchdog = watchdog();
    let queue = Queue::builder().max_bytes(100).build().unwrap();
    queue.put(vec![0_u8; 60]).unwrap();
    assert!(queue.try_put(vec![0; 41]).unwrap_err().is_full());
    queue.put(vec![0; 40]).unwrap();
    assert_eq!(queue.bytes(), 100);
    assert!(queue.is_full());
    queue.get().unwrap();
    queue.get().unwrap();
    queue.put(vec![0; 1000]).unwrap();
    assert!(queue.try_put(vec![]).is_err());
    assert_eq!(queue.get().unwrap().len(), 1000);
}

#[mp_process::test]
fn an_empty_queue_says_so_and_in_time() {
    let _watchdog = watchdog();
    let queue: Queue<u8> = Queue::new().unwrap();
    assert!(matches!(queue.try_get(), Err(GetError::Empty)));
    assert!(matches!(queue.try_get_many(3), Err(GetError::Empty)));
    let (start, timeout) = (Instant::now(), Duration::from_millis(30));
    assert!(matches!(queue.get_timeout(timeout), Err(GetError::TimedOut)));
    assert!(start.elapsed() >= timeout);
}

fn relay(numbers: Queue<u32>, answers: Queue<(u32, u32)>, end: u32) {
    let me = std::process::id();
    loop {
        let number = numbers.get().unwrap();
        if number == end {
            return;
        }
        answers.put((me, number)).unwrap();
    }
}

#[mp_process::test]
fn many_put_and_many_get_with_and_without_limits() {
    let _watchdog = watchdog();
    for queue in [Queue::new().unwrap(), Queue::bounded(3).unwrap()] {
        let answers = Queue::new().unwrap();
        let children: Vec<_> = (0..4)
            .map(|_| spawn(relay, (queue.clone(), answers.clone(), u32::MAX)).unwrap())
            .collect();
        thread::scope(|scope| {
            for producer in 0..4 {
                let queue = queue.clone();
                scope.spawn(move || {
                    (0..500).for_each(|number| queue.put(producer * 500 + number).unwrap());
                });
            }
        });
        for _ in &children {
            queue.put(u32::MAX).unwrap();
        }
        children.into_iter().for_each(|child| child.join().unwrap());
        let mut numbers: Vec<u32> = (0..2000).map(|_| answers.get().unwrap().1).collect();
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(0..2000));
        assert!(answers.is_empty());
    }
}

#[mp_process::test]
fn a_sleeper_is_woken_for_each_message() {
    let _watchdog = watchdog();
    let queue: Queue<u32> = Queue::new().unwrap();
    thread::scope(|scope| {
        let sleepers: Vec<_> = (0..8).map(|_| scope.spawn(|| queue.get().unwrap())).collect();
        for number in 0..8 {
            queue.put(number).unwrap();
        }
        let mut got: Vec<u32> = sleepers.into_iter().map(|one| one.join().unwrap()).collect();
        got.sort_unstable();
        assert_eq!(got, [0, 1, 2, 3, 4, 5, 6, 7]);
    });
}

struct Unwilling;

impl Serialize for Unwilling {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("unwilling"))
    }
}

#[mp_process::test]
fn what_cannot_be_encoded_comes_back_and_leaves_the_queue_as_it_was() {
    let queue = Queue::new().unwrap();
    let error = queue.put(Unwilling).unwrap_err();
    assert!(
        matches!(&error.reason, PutReason::Encode(why) if why.to_string().contains("unwilling"))
    );
    let Unwilling = error.into_inner();
    assert!(queue.is_empty());
    assert_eq!(queue.bytes(), 0);
    assert_eq!(queue.put_many(vec![Unwilling]).unwrap_err().value.len(), 1);
}

#[mp_process::test]
fn what_cannot_be_decoded_spoils_that_message_only() {
    let numbers: Queue<u32> = Queue::new().unwrap();
    let texts: Queue<String> = Parcel::encode(&numbers).unwrap().decode().unwrap();
    numbers.put(7).unwrap();
    texts.put("seven".to_string()).unwrap();
    numbers.put(8).unwrap();
    assert!(matches!(texts.get(), Err(GetError::Decode(_))));
    assert_eq!(texts.get().unwrap(), "seven");
    numbers.put(9).unwrap();
    texts.put("x".to_string()).unwrap();
    let batch: Vec<_> = numbers.get_many(9).unwrap().collect();
    assert!(matches!(batch.as_slice(), [Ok(8), Ok(9), Err(GetError::Decode(_))]), "{batch:?}");
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Wrapped(Vec<u8>);

#[mp_process::test]
fn bytes_arrive_as_whatever_holds_bytes() {
    let raw: Queue<Vec<u8>> = Queue::new().unwrap();
    let boxed: Queue<Box<[u8]>> = Parcel::encode(&raw).unwrap().decode().unwrap();
    let wrapped: Queue<Wrapped> = Parcel::encode(&raw).unwrap().decode().unwrap();
    raw.put(vec![1, 2]).unwrap();
    raw.put(vec![3]).unwrap();
    boxed.put(Box::new([4])).unwrap();
    assert_eq!(*boxed.get().unwrap(), [1, 2]);
    assert_eq!(wrapped.get().unwrap(), Wrapped(vec![3]));
    assert_eq!(raw.get().unwrap(), [4]);
}

#[mp_process::test]
fn batches_keep_the_order() {
    let queue = Queue::bounded(100).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| queue.put_many((0..10_000_u32).collect()).unwrap());
        let mut next = 0;
        while next < 10_000 {
            for number in queue.get_many(70).unwrap() {
                assert_eq!(number.unwrap(), next);
                next += 1;
            }
        }
    });
    assert_eq!(queue.get_many(0).unwrap().len(), 0);
}

#[mp_process::test]
fn a_closed_handle_does_no_more_but_others_do() {
    let queue = Queue::new().unwrap();
    let other = arrive(&queue);
    queue.put(1).unwrap();
    let clone = queue.clone();
    queue.close();
    assert!(clone.is_closed());
    assert!(matches!(clone.put(2).unwrap_err().reason, PutReason::Closed));
    assert!(matches!(queue.get(), Err(GetError::Closed)));
    assert_eq!(other.get().unwrap(), 1);
}

fn answer(replies: Queue<Queue<String>>) {
    replies.get().unwrap().put("in a queue from a queue".to_string()).unwrap();
}

#[mp_process::test]
fn a_queue_travels_in_a_queue() {
    let _watchdog = watchdog();
    let (queues, reply) = (Queue::new().unwrap(), Queue::new().unwrap());
    queues.put(reply.clone()).unwrap();
    spawn(answer, (queues,)).unwrap().join().unwrap();
    assert_eq!(reply.get().unwrap(), "in a queue from a queue");
}

#[mp_process::test]
fn descriptors_travel_with_their_messages() {
    let queue = Queue::new().unwrap();
    for round in 0..300_u32 {
        let (reader, writer) = std::io::pipe().unwrap();
        queue.put((round, Some(Descriptor::from(OwnedFd::from(reader))))).unwrap();
        queue.put((round, None)).unwrap();
        drop(writer);
        let (number, arrived) = queue.get().unwrap();
        let mut file = File::from(arrived.unwrap().into_owned().unwrap());
        assert_eq!((number, file.read(&mut [0]).unwrap()), (round, 0));
        assert!(matches!(queue.get().unwrap(), (number, None) if number == round));
    }
}

#[mp_process::test]
fn a_queue_outlives_its_creator() {
    let _watchdog = watchdog();
    fn create() -> Queue<String> {
        let queue = Queue::new().unwrap();
        queue.put("from the dead".to_string()).unwrap();
        queue
    }
    let queue = spawn(create, ()).unwrap().join().unwrap();
    assert_eq!(queue.get().unwrap(), "from the dead");
    queue.put("alive".to_string()).unwrap();
    assert_eq!(queue.get().unwrap(), "alive");
}

#[mp_process::test]
fn a_simple_queue_is_a_queue() {
    let queue = SimpleQueue::new().unwrap();
    assert!(queue.is_empty());
    queue.put((1, "one".to_string())).unwrap();
    assert_eq!(queue.get().unwrap(), (1, "one".to_string()));
    queue.close();
    assert!(queue.get().is_err());
}

#[mp_process::test]
fn handles_are_for_all_threads() {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Queue<u8>>();
    is_shared::<mp_queue::Sender<u8>>();
    is_shared::<mp_queue::JoinableQueue<std::cell::Cell<u8>>>();
}

#[mp_process::test]
fn queues_can_be_waited_for_together() {
    let _watchdog = watchdog();
    let (first, second) = (Queue::<u8>::new().unwrap(), Queue::<u8>::new().unwrap());
    let (sender, receiver) = channel::<u8>().unwrap();
    let now = Some(Duration::ZERO);
    let all = [&first as _, &second as _, &receiver as _];
    assert_eq!(wait(&all, now).unwrap(), [0; 0]);
    second.put(1).unwrap();
    assert_eq!(wait(&all, None).unwrap(), [1]);
    assert_eq!(second.get().unwrap(), 1);
    assert_eq!(wait(&all, now).unwrap(), [0; 0]);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| wait(&[&first, &second, &receiver], None).unwrap());
        first.put(2).unwrap();
        assert_eq!(waiting.join().unwrap(), [0]);
    });
    assert_eq!(wait(&all, None).unwrap(), [0]);
    drop(sender);
    // A child that another test starts has it for a moment.
    while wait(&all, None).unwrap() != [0, 2] {}
}

#[mp_process::test]
fn a_loan_is_a_message_once_it_is_published() {
    let queue = Queue::<Vec<u8>>::new().unwrap();
    drop(queue.reserve(10).unwrap());
    assert!(queue.is_empty());
    let mut loan = queue.reserve(3).unwrap();
    assert_eq!(loan.len(), 3);
    loan.write_at(0, &[1, 2, 3]).unwrap();
    assert!(loan.write_at(1, &[1, 2, 3]).is_err());
    assert!(loan.write_at(usize::MAX, &[1]).is_err());
    assert!(matches!(queue.try_put(vec![]).unwrap_err().reason, PutReason::Loaned));
    loan.publish().unwrap();
    let message = queue.get_in_place().unwrap();
    assert!(message.read_at(2, &mut [0; 2]).is_err());
    assert!(matches!(queue.try_get(), Err(GetError::Loaned)));
    drop(message);
    assert_eq!(queue.len(), 1);
    let mut bytes = [0; 3];
    let message = queue.get_in_place().unwrap();
    message.read_at(0, &mut bytes).unwrap();
    message.take();
    assert_eq!((bytes, queue.len(), queue.bytes()), ([1, 2, 3], 0, 0));
    assert!(queue.reserve(2 << 30).is_err());
}
