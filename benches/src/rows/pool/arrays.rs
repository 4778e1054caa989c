//! A map over large arrays: what it costs to let another process see them.
//!
//! The task looks at the first and the last number only, since reading the rest takes everybody
//! the same time.

use std::hint::black_box;

use anyhow::{Result, ensure};
use mp_handle::{Kind, Region};
use mp_pool::Pool;
use mp_shm::RawArray;

use super::WORKERS;
use super::rings::{Caller, Helper, serve};
use crate::row::{Better, Row, Scale, System};
use crate::rows::{python, seconds};
use crate::run::available_kib;

const ARRAYS: usize = 8;
const NUMBER: usize = size_of::<f64>();

pub(super) fn rows(scale: Scale) -> Vec<Row> {
    let bytes = scale.of(100_000_000);
    let peer = |name: &'static str, what: &'static str| python(name, what, [ARRAYS, bytes], ms);
    let systems = vec![
        ours_shared(bytes),
        ours(bytes),
        System::limit("already in shared memory", move || {
            let mut shared = SharedArrays::new(bytes)?;
            Ok(move || seconds(|| shared.look()).map(ms))
        }),
        procspawn(bytes),
        peer("CPython Pool, pickled", "pool.pool_arrays"),
        peer("CPython Executor, pickled", "pool.executor_arrays"),
        peer("loky, pickled", "thirdparty.loky_arrays"),
    ];
    vec![Row {
        name: "map-arrays".into(),
        about: format!("map over {ARRAYS} arrays of {} MB by {WORKERS} workers", bytes / 1_000_000),
        unit: "ms",
        better: Better::Lower,
        ballast: 0,
        systems,
    }]
}

fn ms(seconds: f64) -> f64 {
    seconds * 1e3
}

fn ends(array: Vec<f64>) -> f64 {
    array[0] + array[array.len() - 1]
}

fn make(bytes: usize) -> Result<Vec<Vec<f64>>> {
    // The arrays, as much again on their way, and what two workers have received.
    ensure_memory(3 * ARRAYS * bytes)?;
    Ok(vec![vec![1.0; bytes / NUMBER]; ARRAYS])
}

fn ensure_memory(bytes: usize) -> Result<()> {
    let (needed, available) = (bytes >> 10, available_kib()?);
    ensure!(available >= needed, "{needed} KiB of memory needed, {available} KiB available");
    Ok(())
}

fn ours_shared(bytes: usize) -> System {
    System::new("ours, RawArray<f64>", move || {
        ensure_memory(ARRAYS * bytes)?;
        let pool = Pool::new(WORKERS)?;
        let numbers = vec![1.0; bytes / NUMBER];
        let arrays: Vec<_> =
            (0..ARRAYS).map(|_| RawArray::from_slice(&numbers)).collect::<Result<_, _>>()?;
        Ok(move || {
            let arrays = arrays.clone();
            seconds(|| {
                black_box(pool.task(shared_ends).chunk_size(1).map(arrays)?);
                Ok(())
            })
            .map(ms)
        })
    })
}

fn shared_ends(array: RawArray<f64>) -> f64 {
    let number = |at| array.get(at).expect("a number of the array");
    number(0) + number(array.len() - 1)
}

fn ours(bytes: usize) -> System {
    System::new("ours, Vec<f64>", move || {
        let pool = Pool::new(WORKERS)?;
        Ok(move || {
            let arrays = make(bytes)?;
            seconds(|| {
                black_box(pool.task(ends).chunk_size(1).map(arrays)?);
                Ok(())
            })
            .map(ms)
        })
    })
}

fn procspawn(bytes: usize) -> System {
    System::new("procspawn, Vec<f64>", move || {
        let pool = procspawn::Pool::new(WORKERS)?;
        Ok(move || {
            let arrays = make(bytes)?;
            // If more large tasks wait than it has workers, its workers wait for who waits for
            // them, and nobody ever moves.
            let mut arrays = arrays.into_iter();
            seconds(|| {
                for _ in 0..ARRAYS / WORKERS {
                    let some = arrays.by_ref().take(WORKERS);
                    let tasks: Vec<_> = some.map(|array| pool.spawn(array, ends)).collect();
                    for task in tasks {
                        black_box(task.join()?);
                    }
                }
                Ok(())
            })
            .map(ms)
        })
    })
}

/// Arrays that lie where the workers see them, who are asked by the number of an array.
struct SharedArrays {
    workers: Vec<(Caller, Helper)>,
}

impl SharedArrays {
    fn new(bytes: usize) -> Result<Self> {
        ensure_memory(ARRAYS * bytes)?;
        let arrays = Region::create(Kind::new(2, "bench arrays"), 0, ARRAYS * bytes)?;
        let array: Vec<u8> = 1_f64.to_ne_bytes().repeat(bytes / NUMBER);
        (0..ARRAYS).try_for_each(|n| arrays.write(n * bytes, &array))?;
        let start = |_| {
            let (caller, rings) = Caller::new()?;
            Ok((caller, Helper::start(look_at, (rings, arrays.clone()))?))
        };
        Ok(Self { workers: (0..WORKERS).map(start).collect::<Result<_>>()? })
    }

    fn look(&mut self) -> Result<()> {
        let mut buffer = Vec::new();
        for n in 0..ARRAYS {
            self.workers[n % WORKERS].0.ask(&n.to_ne_bytes(), 1)?;
        }
        let mut taken = 0;
        while taken < ARRAYS {
            for (worker, _) in &mut self.workers {
                taken += worker.take(&mut buffer)?;
            }
            std::thread::yield_now();
        }
        Ok(())
    }
}

fn look_at(rings: Region, arrays: Region) {
    let bytes = arrays.len() / ARRAYS;
    let number = |at| {
        let mut number = [0; NUMBER];
        arrays.read(at, &mut number).expect("a number of an array");
        f64::from_ne_bytes(number)
    };
    serve(&rings, |request, reply| {
        let begin =
            bytes * usize::from_ne_bytes(request.try_into().expect("the number of an array"));
        let ends = number(begin) + number(begin + bytes - NUMBER);
        reply.extend_from_slice(&ends.to_ne_bytes());
    });
}
