//! Queues and channels from tokio.
#![cfg(feature = "async")]

mod common {
    pub(crate) mod idle;
    pub(crate) mod watchdog;
}

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Waker};
use std::time::Duration;

use common::idle::is_idle;
use common::watchdog::watchdog;
use futures_core::Stream;
use futures_sink::Sink;
use mp_process::spawn;
use mp_queue::{
    GetError, JoinError, JoinableQueue, Queue, Receiver, RecvStream, Sender, channel, sync_channel,
};
use tokio::task::{JoinSet, yield_now};
use tokio::time::timeout;

const SOON: Duration = Duration::from_millis(3);

/// With a slice for each message it would take longer than the watchdog waits.
const COUNT: u32 = 10_000;

fn on_one_thread<R>(work: impl Future<Output = R>) -> R {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap().block_on(work)
}

fn on_two_threads<R>(work: impl Future<Output = R>) -> R {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap().block_on(work)
}

fn echo(questions: Receiver<u32>, answers: Sender<u32>) {
    questions.iter().for_each(|number| answers.send(number + 1).unwrap());
}

#[mp_process::test]
fn a_child_is_asked_and_answers() {
    let _watchdog = watchdog();
    let ((questions, theirs), (answer, answers)) = (channel().unwrap(), channel().unwrap());
    let child = spawn(echo, (theirs, answer)).unwrap();
    on_one_thread(async {
        for number in 0..2000 {
            questions.send_async(number).await.unwrap();
            assert_eq!(answers.recv_async().await.unwrap(), number + 1);
        }
        drop(questions);
        assert!(matches!(answers.recv_async().await, Err(GetError::Disconnected)));
    });
    child.join().unwrap();
}

fn put_slowly(queue: Queue<u32>) {
    for number in 0..20 {
        std::thread::sleep(Duration::from_millis(2));
        queue.put(number).unwrap();
    }
}

/// The clock of the runtime stands still, since a task is always busy: no slice ever ends.
#[mp_process::test]
fn a_message_wakes_the_task_without_waiting_for_a_slice() {
    let _watchdog = watchdog();
    let queue = Queue::new().unwrap();
    let child = spawn(put_slowly, (queue.clone(),)).unwrap();
    on_one_thread(async {
        tokio::time::pause();
        let busy = tokio::spawn(async {
            loop {
                yield_now().await;
            }
        });
        for number in 0..20 {
            assert_eq!(queue.get_async().await.unwrap(), number);
        }
        busy.abort();
    });
    child.join().unwrap();
}

#[mp_process::test]
fn a_full_channel_is_waited_for() {
    let _watchdog = watchdog();
    let (sender, receiver) = sync_channel(1).unwrap();
    on_two_threads(async {
        let sender = tokio::spawn(async move {
            for number in 0..COUNT {
                sender.send_async(number).await.unwrap();
            }
        });
        for number in 0..COUNT {
            assert_eq!(receiver.recv_async().await.unwrap(), number);
        }
        assert!(receiver.recv_async().await.unwrap_err().is_disconnected());
        sender.await.unwrap();
    });
}

#[mp_process::test]
fn many_tasks_share_a_handle() {
    let _watchdog = watchdog();
    let queue: Queue<u32> = Queue::bounded(3).unwrap();
    let sum: u64 = on_two_threads(async {
        let mut putters = JoinSet::new();
        let mut getters = JoinSet::new();
        for start in 0..8 {
            let queue = queue.clone();
            putters.spawn(async move {
                for number in 0..200 {
                    queue.put_async(start * 200 + number).await.unwrap();
                }
            });
        }
        for _ in 0..8 {
            let queue = queue.clone();
            getters.spawn(async move {
                let mut sum = 0_u64;
                for _ in 0..200 {
                    sum += u64::from(queue.get_async().await.unwrap());
                }
                sum
            });
        }
        putters.join_all().await;
        getters.join_all().await.into_iter().sum()
    });
    assert_eq!(sum, (0..1600).sum::<u64>());
    assert!(queue.is_empty());
}

#[mp_process::test]
fn a_dropped_future_has_taken_and_put_nothing() {
    let _watchdog = watchdog();
    on_one_thread(async {
        let (sender, receiver) = sync_channel(1).unwrap();
        for number in 0..50 {
            assert!(timeout(SOON, receiver.recv_async()).await.is_err());
            sender.send_async(number).await.unwrap();
            assert!(timeout(SOON, sender.send_async(99)).await.is_err());
            assert_eq!(receiver.recv_async().await.unwrap(), number);
            assert!(receiver.is_empty());
        }
    });
}

#[mp_process::test]
fn a_message_that_comes_between_wake_and_drop_stays() {
    let _watchdog = watchdog();
    on_one_thread(async {
        let queue = Queue::new().unwrap();
        for number in 0..50 {
            {
                let mut getting = pin!(queue.get_async());
                let mut idle = Context::from_waker(Waker::noop());
                assert!(getting.as_mut().poll(&mut idle).is_pending());
                queue.put(number).unwrap();
                yield_now().await;
                // The bell has rung for this one, which goes without looking.
            }
            assert_eq!(queue.get_async().await.unwrap(), number);
        }
    });
}

fn hold(sender: Sender<u32>, started: Sender<()>) {
    sender.send(7).unwrap();
    started.send(()).unwrap();
    std::thread::park();
}

#[mp_process::test]
fn the_kill_of_the_last_sender_is_the_end() {
    let _watchdog = watchdog();
    let (sender, receiver) = channel().unwrap();
    let (start, started) = channel().unwrap();
    let child = spawn(hold, (sender, start)).unwrap();
    on_one_thread(async {
        started.recv_async().await.unwrap();
        assert_eq!(receiver.recv_async().await.unwrap(), 7);
        assert!(timeout(SOON, receiver.recv_async()).await.is_err());
        child.kill().unwrap();
        assert!(receiver.recv_async().await.unwrap_err().is_disconnected());
    });
    child.join().unwrap_err();
}

fn keep(_receiver: Receiver<u32>, started: Sender<()>) {
    started.send(()).unwrap();
    std::thread::park();
}

#[mp_process::test]
fn the_kill_of_the_last_receiver_ends_the_wait_for_room() {
    let _watchdog = watchdog();
    let (sender, receiver) = sync_channel(1).unwrap();
    let (start, started) = channel().unwrap();
    let child = spawn(keep, (receiver, start)).unwrap();
    on_one_thread(async {
        started.recv_async().await.unwrap();
        sender.send_async(1).await.unwrap();
        let refused = async {
            let error = sender.send_async(2).await.unwrap_err();
            (error.is_disconnected(), error.into_inner())
        };
        let kill = async { child.kill().unwrap() };
        assert_eq!(tokio::join!(refused, kill).0, (true, 2));
    });
    child.join().unwrap_err();
}

fn finish(tasks: JoinableQueue<u32>, count: u32) {
    for _ in 0..count {
        tasks.get().unwrap();
        tasks.task_done().unwrap();
    }
}

#[mp_process::test]
fn to_join_is_to_wait_until_others_are_done() {
    let _watchdog = watchdog();
    let tasks = JoinableQueue::new().unwrap();
    on_one_thread(async {
        for round in 1..20 {
            tasks.put_many((0..round).collect()).unwrap();
            assert!(timeout(SOON, tasks.join_async()).await.is_err());
            let child = spawn(finish, (tasks.clone(), round)).unwrap();
            tasks.join_async().await.unwrap();
            assert_eq!(tasks.unfinished(), 0);
            child.join().unwrap();
        }
    });
}

fn take_and_die(tasks: JoinableQueue<u32>) {
    tasks.get().unwrap();
    std::process::abort();
}

#[mp_process::test]
fn to_join_tells_who_died_with_a_task() {
    let _watchdog = watchdog();
    let tasks = JoinableQueue::new().unwrap();
    tasks.put(1).unwrap();
    let child = spawn(take_and_die, (tasks.clone(),)).unwrap();
    let process = child.pid();
    on_one_thread(async {
        let lost = tasks.join_async().await.unwrap_err();
        assert_eq!(lost, JoinError::ConsumerDied { process, lost: 1 });
        tasks.join_async().await.unwrap();
    });
    child.join().unwrap_err();
}

async fn next<T: serde::de::DeserializeOwned + 'static>(
    stream: &mut RecvStream<T>,
) -> Option<Result<T, GetError>> {
    poll_fn(|cx| Pin::new(&mut *stream).poll_next(cx)).await
}

#[mp_process::test]
fn a_stream_ends_and_a_sink_flushes() {
    let _watchdog = watchdog();
    let (sender, receiver) = sync_channel(2).unwrap();
    on_one_thread(async {
        let mut sink = sender.into_sink();
        let fill = async {
            for number in 0..2000_u32 {
                poll_fn(|cx| Pin::new(&mut sink).poll_ready(cx)).await.unwrap();
                Pin::new(&mut sink).start_send(number).unwrap();
            }
            poll_fn(|cx| Pin::new(&mut sink).poll_close(cx)).await.unwrap();
            drop(sink);
        };
        let mut stream = receiver.into_stream();
        let take = async {
            for number in 0..2000 {
                assert_eq!(next(&mut stream).await.unwrap().unwrap(), number);
            }
            assert!(next(&mut stream).await.is_none());
        };
        tokio::join!(fill, take);
    });
}

/// Runs in a process of its own: a child that another test starts has what is open here for a
/// moment, and with that the receiver.
fn send_to_nobody() {
    let (sender, receiver) = sync_channel(1).unwrap();
    drop(receiver);
    on_one_thread(async {
        let mut sink = sender.into_sink();
        Pin::new(&mut sink).start_send(vec![1_u8, 2]).unwrap();
        let error = poll_fn(|cx| Pin::new(&mut sink).poll_flush(cx)).await.unwrap_err();
        assert!(error.is_disconnected());
        assert_eq!(error.into_inner(), [1, 2]);
    });
}

#[mp_process::test]
fn a_sink_gives_back_what_it_cannot_send() {
    let _watchdog = watchdog();
    spawn(send_to_nobody, ()).unwrap().join().unwrap();
}

#[mp_process::test]
fn a_queue_that_is_never_empty_lets_other_tasks_run() {
    let _watchdog = watchdog();
    let queue = Queue::new().unwrap();
    on_one_thread(async {
        let busy = queue.clone();
        let busy = tokio::spawn(async move {
            loop {
                busy.put_async(1).await.unwrap();
                busy.get_async().await.unwrap();
            }
        });
        yield_now().await;
        tokio::time::sleep(SOON).await;
        busy.abort();
        assert!(busy.await.unwrap_err().is_cancelled());
    });
}

fn waits_idly() -> bool {
    let queue: Queue<u8> = Queue::new().unwrap();
    is_idle(Duration::from_millis(50), || {
        on_one_thread(async {
            let _ = timeout(Duration::from_secs(1), queue.get_async()).await.unwrap_err();
        });
    })
}

#[mp_process::test]
fn to_wait_is_to_sleep() {
    let _watchdog = watchdog();
    assert!(spawn(waits_idly, ()).unwrap().join().unwrap(), "50 ms or more of one second");
}
