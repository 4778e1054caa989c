//! Queues whose memory a peer writes into.

use std::fs::File;
use std::os::unix::fs::FileExt;

use bolero::check;
use mp_fuzz::take;
use mp_handle::{Descriptor, Parcel};
use mp_queue::Queue;

/// Where the words lie that the queue works with: behind the region's header and before the lock.
const WORDS: u64 = 64;
const WORDS_END: u64 = 2048;

/// What tells a frame's header; see the store's frames.
const FRAME: u64 = 0x4d50_5101;

/// More memory than any of these inputs may take.
const MEMORY: i64 = 64 << 20;

/// The memory of a queue: the first descriptor that its handle travels with.
fn memory(queue: &Queue<Vec<u8>>) -> File {
    let parcel = Parcel::encode(queue).expect("a handle");
    let memory: Descriptor = parcel.descriptors()[0].clone();
    drop(parcel);
    File::from(memory.into_owned().expect("a descriptor"))
}

/// Where the segments begin: behind two pages and the table.
fn segments() -> u64 {
    let page = rustix::param::page_size() as u64;
    (2 * page + 72 + 1024 * 32).next_multiple_of(page)
}

fn spoil(file: &File, input: &mut &[u8]) {
    let [what, place, how, with] = take(input);
    let place = u64::from(place) * 8;
    let place = match what % 3 {
        0 => segments() + place,
        _ => WORDS + place % (WORDS_END - WORDS),
    };
    let mut now = [0; 8];
    file.read_exact_at(&mut now, place).expect("a word");
    let now = u64::from_ne_bytes(now);
    let value = match how % 5 {
        0 => u64::from(with),
        1 => u64::MAX - u64::from(with),
        2 => now ^ 1 << (with % 64),
        3 => now.wrapping_add_signed(i64::from(with as i8)),
        _ => (FRAME + u64::from(with % 8)) << 32 | u64::from(u32::from_ne_bytes(take(input))),
    };
    file.write_all_at(&value.to_ne_bytes(), place).expect("a word");
}

#[test]
fn any_memory_is_messages_or_an_error() {
    check!().for_each(|mut input: &[u8]| {
        let queue: Queue<Vec<u8>> = Queue::new().expect("memory");
        let file = memory(&queue);
        while !input.is_empty() {
            let [what, with] = take(&mut input);
            match what % 6 {
                0 | 1 => drop(queue.try_put(vec![with; usize::from(with) * 9])),
                2 => drop(queue.try_get()),
                3 => drop(queue.try_get_many(usize::from(with)).map(|batch| batch.count())),
                _ => spoil(&file, &mut input),
            }
            let _ = (queue.len(), queue.bytes(), queue.is_full(), queue.readiness().arm());
        }
        let stat = rustix::fs::fstat(&file).expect("a file");
        assert!(stat.st_blocks * 512 < MEMORY, "{} blocks", stat.st_blocks);
    });
}
