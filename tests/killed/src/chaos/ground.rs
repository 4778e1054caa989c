//! [`Ground`]: what all players have in common.

use std::error::Error;

use mp_manager::{DictProxy, LockProxy, Manager, QueueProxy};
use mp_queue::{JoinableQueue, Queue, Receiver, Sender, sync_channel};
use mp_shm::{Array, RawArray, RawValue, Value};
use mp_sync::{Barrier, Condition, Event, Lock, RLock, RwLock, Semaphore};
use serde::{Deserialize, Serialize};

use super::mail::Message;

/// How many may be within the semaphore.
pub(super) const PERMITS: u32 = 2;

/// How many counters there are, and how many parts of the array.
pub(super) const PLACES: usize = 8;

/// How many messages a line holds.
const ROOM: usize = 64;

/// One with something that fills it up.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Letter {
    pub(super) message: Message,
    pub(super) filling: Vec<u8>,
}

/// The objects; it travels to each player.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Ground {
    pub(super) is_over: RawValue<u32>,
    pub(super) pair: Value<[u64; 2]>,
    pub(super) read_lock: RwLock,
    /// Both the same, for those who have that lock.
    pub(super) both: RawArray<u64>,
    pub(super) nested: RLock,
    pub(super) semaphore: Semaphore,
    pub(super) event: Event,
    pub(super) lock: Lock,
    pub(super) condition: Condition,
    pub(super) barrier: Barrier,
    pub(super) counters: RawArray<u64>,
    pub(super) parts: Array<u64>,
    pub(super) queue: Queue<Letter>,
    pub(super) channel: (Sender<Letter>, Receiver<Letter>),
    pub(super) tasks: JoinableQueue<Message>,
    pub(super) sums: DictProxy<u32, u64>,
    pub(super) served: QueueProxy<Message>,
    pub(super) served_lock: LockProxy,
}

impl Ground {
    pub(super) fn new(manager: &Manager) -> Result<Ground, Box<dyn Error + Send + Sync>> {
        Ok(Ground {
            is_over: RawValue::new(0)?,
            pair: Value::new([0; 2])?,
            read_lock: RwLock::new()?,
            both: RawArray::zeroed(2)?,
            nested: RLock::new()?,
            semaphore: Semaphore::new(PERMITS)?,
            event: Event::new()?,
            lock: Lock::new()?,
            condition: Condition::new()?,
            barrier: Barrier::new(2)?,
            counters: RawArray::zeroed(PLACES)?,
            parts: Array::zeroed(4 * PLACES)?,
            queue: Queue::bounded(ROOM)?,
            channel: sync_channel(ROOM)?,
            tasks: JoinableQueue::bounded(ROOM)?,
            sums: manager.dict()?,
            served: manager.queue(ROOM)?,
            served_lock: manager.lock()?,
        })
    }
}
