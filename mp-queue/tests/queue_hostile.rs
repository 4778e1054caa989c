//! Whatever a peer writes into the memory of a queue, others get errors or wrong messages, and
//! neither crash, nor hang, nor take memory that was never there.

mod common {
    pub(crate) mod random;
    pub(crate) mod watchdog;
}

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use common::random::Random;
use common::watchdog::watchdog;
use mp_handle::{Descriptor, Parcel, Post};
use mp_queue::{GetError, Queue};

/// The memory of a queue: the first descriptor that its handle travels with.
fn memory<T>(queue: &Queue<T>) -> File {
    let parcel = Parcel::encode(queue).unwrap();
    let memory: Descriptor = parcel.descriptors()[0].clone();
    drop(parcel);
    File::from(memory.into_owned().unwrap())
}

/// Where the words that the queue works with lie: behind the region's header and before the lock.
const WORDS: std::ops::Range<u32> = 64..2048;

/// Where the segments begin: behind two pages and the table.
fn segments() -> u64 {
    let page = rustix::param::page_size() as u64;
    (2 * page + 72 + 1024 * 32).next_multiple_of(page)
}

/// A number that somebody who looks for trouble would write.
fn nasty(random: &mut Random, now: u64) -> u64 {
    match random.below(6) {
        0 => u64::from(random.below(8)),
        1 => u64::MAX - u64::from(random.below(8)),
        2 => u64::from(random.below(u32::MAX)) << 32 | u64::from(random.below(u32::MAX)),
        3 => now ^ 1 << random.below(64),
        4 => now.wrapping_add(u64::from(random.below(64))),
        _ => (0x4d50_5101 + u64::from(random.below(7))) << 32 | u64::from(random.below(u32::MAX)),
    }
}

fn scribble(file: &File, random: &mut Random) {
    for _ in 0..=random.below(6) {
        let place = match random.below(3) {
            0 => segments() + 8 * u64::from(random.below(200)),
            _ => u64::from(WORDS.start + 8 * random.below((WORDS.end - WORDS.start) / 8)),
        };
        let mut now = [0; 8];
        file.read_exact_at(&mut now, place).unwrap();
        let value = nasty(random, u64::from_ne_bytes(now));
        file.write_all_at(&value.to_ne_bytes(), place).unwrap();
    }
}

/// Bytes of memory that a file has.
fn taken(file: &File) -> u64 {
    rustix::fs::fstat(file).unwrap().st_blocks as u64 * 512
}

#[mp_process::test]
fn garbage_gives_errors_and_nothing_else() {
    let _watchdog = watchdog();
    let mut is_seen = false;
    for seed in 1..600 {
        let mut random = Random::new(seed);
        let queue: Queue<Vec<u8>> = Queue::new().unwrap();
        let file = memory(&queue);
        for _ in 0..random.below(40) {
            queue.put(vec![1; random.below(300) as usize]).unwrap();
        }
        for _ in 0..20 {
            scribble(&file, &mut random);
            for _ in 0..5 {
                let _ = queue.put_timeout(vec![2; random.below(3000) as usize], Duration::ZERO);
                match queue.try_get() {
                    Err(GetError::Corrupt(_)) => is_seen = true,
                    Ok(message) => assert!(message.len() as u64 <= taken(&file)),
                    Err(_) => {}
                }
            }
            let _ = (queue.len(), queue.bytes(), queue.is_full(), queue.readiness().arm());
            let _ = queue.try_get_many(10).map(|batch| batch.count());
        }
        assert!(taken(&file) < 512 << 20, "{} bytes", taken(&file));
    }
    assert!(is_seen, "no garbage was found");
}

#[mp_process::test]
fn a_frame_that_claims_more_than_there_is_does_not_make_us_allocate_it() {
    let queue: Queue<Vec<u8>> = Queue::new().unwrap();
    queue.put(vec![0; 100]).unwrap();
    let header = 0x4d50_5102_u64 << 32 | 1_000_000;
    memory(&queue).write_all_at(&header.to_ne_bytes(), segments()).unwrap();
    // Not more than its segment, but more than that has.
    assert!(queue.try_get().is_ok_and(|message| message.len() == 1_000_000));
    let queue: Queue<Vec<u8>> = Queue::new().unwrap();
    queue.put(vec![0; 100]).unwrap();
    queue.put(vec![0; 2 << 20]).unwrap();
    queue.get().unwrap();
    let header = 0x4d50_5102_u64 << 32 | 4_000_000;
    memory(&queue).write_all_at(&header.to_ne_bytes(), segments() + (1 << 20)).unwrap();
    assert!(matches!(queue.try_get(), Err(GetError::Corrupt(_))));
}

#[mp_process::test]
fn what_is_no_queue_is_not_taken_for_one() {
    let null = Descriptor::from(OwnedFd::from(File::open("/dev/null").unwrap()));
    let parcel = Parcel::encode(&(0_u8, null)).unwrap();
    assert!(parcel.decode::<Queue<u8>>().is_err());
    let joinable = mp_queue::JoinableQueue::<u8>::new().unwrap();
    let parcel = Parcel::encode(&joinable).unwrap();
    assert!(parcel.decode::<Queue<u8>>().unwrap_err().to_string().contains("joinable queue"));
}

#[mp_process::test]
fn a_socket_full_of_what_nobody_looks_for_is_emptied() {
    let _watchdog = watchdog();
    let (sender, receiver) = mp_queue::channel::<Descriptor>().unwrap();
    let parcel = Parcel::encode(&sender).unwrap();
    let outbox = Post::from(parcel.descriptors()[1].clone().into_owned().unwrap());
    drop(parcel);
    // As from producers that were killed before they put what they had sent.
    while outbox.send(u64::MAX, &Parcel::new()).is_ok() {}
    let null = || Descriptor::from(OwnedFd::from(File::open("/dev/null").unwrap()));
    assert!(sender.try_send(null()).unwrap_err().is_full());
    std::thread::scope(|scope| {
        scope.spawn(|| sender.send(null()).unwrap());
        receiver.recv().unwrap();
    });
}
