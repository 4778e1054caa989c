//! Connections from tokio.
#![cfg(feature = "async")]

mod common {
    pub(crate) mod watchdog;
}

use std::pin::Pin;
use std::time::Duration;

use common::watchdog::watchdog;
use futures_core::Stream;
use futures_sink::Sink;
use mp_queue::connection::{AsyncConnection, Connection, RecvError, SendError, pipe};
use std::future::poll_fn;

fn echo(peer: Connection<Vec<u8>, Vec<u8>>) {
    while let Ok(message) = peer.recv() {
        peer.send(&message).unwrap();
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn ends<S, R>() -> (AsyncConnection<S, R>, AsyncConnection<R, S>) {
    let (ours, theirs) = pipe().unwrap();
    (ours.into_async().unwrap(), theirs.into_async().unwrap())
}

#[mp_process::test]
fn messages_of_all_sizes_go_to_a_child_and_back() {
    let _watchdog = watchdog();
    let (ours, theirs) = pipe().unwrap();
    let child = mp_process::spawn(echo, (theirs,)).unwrap();
    runtime().block_on(async {
        let ours = ours.into_async().unwrap();
        for size in [0, 1, 16 << 10, (16 << 10) + 1, 9 << 20] {
            let message = vec![7; size];
            ours.send(&message).await.unwrap();
            assert!(ours.recv().await.unwrap() == message);
        }
    });
    child.join().unwrap();
}

#[test]
fn a_full_pipe_is_waited_for() {
    let _watchdog = watchdog();
    for size in [1000, 9 << 20] {
        runtime().block_on(async {
            let (ours, theirs) = ends::<Vec<u8>, ()>();
            let message = vec![7; size];
            let count = if size == 1000 { 1000 } else { 20 };
            let sender = async {
                for _ in 0..count {
                    ours.send(&message).await.unwrap();
                }
            };
            let receiver = async {
                for _ in 0..count {
                    assert!(theirs.recv().await.unwrap() == message);
                }
            };
            tokio::join!(sender, receiver);
        });
    }
}

#[test]
fn a_cancelled_wait_loses_nothing() {
    let _watchdog = watchdog();
    runtime().block_on(async {
        let (ours, theirs) = ends::<u32, ()>();
        for n in 0..50 {
            let soon = Duration::from_millis(1);
            assert!(tokio::time::timeout(soon, theirs.recv()).await.is_err());
            ours.send(&n).await.unwrap();
            assert_eq!(theirs.recv().await.unwrap(), n);
        }
    });
}

#[test]
fn the_end_comes_to_all_who_wait() {
    let _watchdog = watchdog();
    runtime().block_on(async {
        let (ours, theirs) = ends::<u32, u32>();
        ours.send(&1).await.unwrap();
        drop(ours);
        assert_eq!(theirs.recv().await.unwrap(), 1);
        assert!(matches!(theirs.recv().await, Err(RecvError::Disconnected)));
        assert!(matches!(theirs.send(&1).await, Err(SendError::Disconnected)));
    });
}

#[test]
fn a_stream_ends_and_a_sink_flushes() {
    let _watchdog = watchdog();
    runtime().block_on(async {
        let (mut ours, mut theirs) = ends::<u32, ()>();
        let fill = async {
            for n in 0..2000 {
                poll_fn(|cx| Pin::new(&mut ours).poll_ready(cx)).await.unwrap();
                Pin::new(&mut ours).start_send(n).unwrap();
            }
            poll_fn(|cx| Sink::<u32>::poll_close(Pin::new(&mut ours), cx)).await.unwrap();
            drop(ours);
        };
        let take = async {
            let mut next = 0;
            while let Some(n) = poll_fn(|cx| Pin::new(&mut theirs).poll_next(cx)).await {
                assert_eq!(n.unwrap(), next);
                next += 1;
            }
            assert_eq!(next, 2000);
        };
        tokio::join!(fill, take);
    });
}
