//! Calls that go on to another executor, by way of bytes.

mod common;

use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;
use std::{process, thread};

use common::Watchdog;
use mp_handle::Descriptor;
use mp_pool::{
    Callbacks, Calls as _, Chunk, Context, Executor, Job, Malformed, Options, Order, Pool, Routine,
    TaskError, TaskErrorKind, encode_failure,
};

/// Has a pool run what it is given, and spoils the answers as it is told to.
#[derive(Debug)]
struct Carrier {
    there: Pool,
    callbacks: Callbacks,
    spoil: fn(Vec<u8>) -> Vec<u8>,
    malformed: Mutex<usize>,
}

impl Carrier {
    fn pool(there: Pool, spoil: fn(Vec<u8>) -> Vec<u8>) -> (Pool, Arc<Self>) {
        let callbacks = Callbacks::start().unwrap();
        let carrier = Arc::new(Self { there, callbacks, spoil, malformed: Mutex::new(0) });
        (Pool::with(Arc::clone(&carrier) as Arc<dyn Executor>), carrier)
    }

    fn carry(&self, chunk: &Chunk) -> Result<Vec<u8>, TaskError> {
        let context = chunk.context().map(|context| {
            let parcel = context.parcel();
            let parcel = mp_handle::Parcel::from_parts(parcel.bytes().to_vec(), Vec::new());
            Context::relayed(parcel, context.head())
        });
        let (table, items) = (chunk.table().to_vec(), chunk.bytes().to_vec());
        let (sender, done) = mpsc::channel();
        let hand_on = move |job| sender.send(job).unwrap();
        self.there.executor().relay(&Order::of(chunk), context, table, items, hand_on)?;
        Ok(done.recv().unwrap().encode().unwrap().bytes().to_vec())
    }
}

impl Executor for Carrier {
    fn parallelism(&self) -> usize {
        2
    }

    fn callbacks(&self) -> &Callbacks {
        &self.callbacks
    }

    fn enter(&self, _: Routine, _: &Options) -> Result<u32, TaskError> {
        Ok(0)
    }

    fn submit(&self, chunks: Vec<Chunk>) {
        for chunk in chunks {
            let answers = match self.carry(&chunk) {
                Ok(answers) => (self.spoil)(answers),
                Err(error) => {
                    encode_failure(chunk.places().len(), &error).unwrap().bytes().to_vec()
                }
            };
            let put = chunk.job().put_encoded(chunk.places(), &answers, &"far".into());
            if put == Err(Malformed) {
                *self.malformed.lock().unwrap() += 1;
                chunk.fail(&TaskErrorKind::undecodable("spoilt").into());
            }
        }
    }

    fn cancel(&self, _: &Arc<Job>) -> bool {
        false
    }

    fn is_running(&self, job: &Arc<Job>) -> bool {
        !job.is_over()
    }

    fn close(&self) {}

    fn is_closed(&self) -> bool {
        true
    }
}

fn checked(n: u32) -> u32 {
    match n {
        3 => process::abort(),
        5 => {
            // The values before it are looked at meanwhile.
            thread::sleep(Duration::from_millis(50));
            panic!("five")
        }
        n => n * n,
    }
}

#[mp_process::test]
fn each_item_has_the_answer_that_it_had_there() {
    let _watchdog = Watchdog::new("each_item_has_the_answer_that_it_had_there");
    let (pool, carrier) = Carrier::pool(Pool::new(2).unwrap(), |answers| answers);
    let results = pool.task(checked).chunk_size(4).retries(1).try_map(0..8);
    for (n, result) in (0..).zip(&results) {
        match (n, result) {
            (3, Err(error)) => {
                assert!(matches!(error.kind, TaskErrorKind::WorkerLost { attempts: 2, .. }));
                assert_eq!((error.index(), error.host()), (Some(3), Some("far")));
                assert!(error.to_string().contains("on far: it was killed by signal 6"), "{error}");
            }
            (5, Err(error)) => {
                let TaskErrorKind::Panicked(panic) = &error.kind else { panic!("{error}") };
                assert_eq!((panic.message.as_str(), error.index()), ("five", Some(5)));
                assert!(error.pid().is_some_and(|pid| pid != process::id()));
            }
            _ => assert_eq!(*result, Ok(n * n)),
        }
    }
    assert_eq!(
        pool.task(|table: &Vec<u32>, n: usize| table[n]).with(&vec![7, 8]).map([1, 0]),
        Ok(vec![8, 7])
    );
    assert_eq!(*carrier.malformed.lock().unwrap(), 0);
}

#[mp_process::test]
fn a_handle_does_not_come_back() {
    let _watchdog = Watchdog::new("a_handle_does_not_come_back");
    let (pool, _) = Carrier::pool(Pool::new(1).unwrap(), |answers| answers);
    let open = || Descriptor::from(OwnedFd::from(std::fs::File::open("/dev/null").unwrap()));
    let error = pool.apply(open, ()).unwrap_err();
    assert!(matches!(error.kind, TaskErrorKind::Unsupported { .. }), "{error}");
}

#[mp_process::test]
fn answers_that_are_cut_or_changed_are_none() {
    let _watchdog = Watchdog::new("answers_that_are_cut_or_changed_are_none");
    let spoilers: [fn(Vec<u8>) -> Vec<u8>; 4] = [
        |answers| answers[..answers.len() - 1].to_vec(),
        |answers| [&answers[..], &answers[..]].concat(),
        |_| Vec::new(),
        |mut answers| {
            answers[8] ^= 1;
            answers
        },
    ];
    for spoil in spoilers {
        let (pool, carrier) = Carrier::pool(Pool::new(1).unwrap(), spoil);
        let error = pool.map(checked, [1, 2]).unwrap_err();
        assert!(matches!(error.kind, TaskErrorKind::Undecodable { .. }), "{error}");
        assert!(*carrier.malformed.lock().unwrap() > 0);
    }
}

#[mp_process::test]
fn an_executor_that_takes_no_calls_says_so() {
    let _watchdog = Watchdog::new("an_executor_that_takes_no_calls_says_so");
    let there = Pool::new(1).unwrap();
    there.close();
    let (pool, _) = Carrier::pool(there, |answers| answers);
    let results = pool.try_map(checked, [1, 2]);
    assert!(results.iter().all(|result| {
        result.as_ref().is_err_and(|error| error.kind == TaskErrorKind::PoolClosed)
    }));
    assert!(pool.resize(3).is_err() && pool.exit_results::<()>().is_empty());
    assert_eq!((pool.workers(), pool.statistics().finished), (2, 0));
    assert!(pool.shutdown(mp_pool::Shutdown::new()));
}
