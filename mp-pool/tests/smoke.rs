//! smoke
use mp_pool::{Pool, TaskError};

fn square(n: u64) -> u64 { n * n }
fn bad(n: u64) -> u64 { if n % 10 == 3 { std::process::abort() } n + 1 }

#[mp_process::test]
fn smoke() {
    let pool = Pool::new(2).unwrap();
    assert_eq!(pool.apply(square, (7,)).unwrap(), 49);
    let t = std::time::Instant::now();
    let r = pool.map(square, 0..100_000).unwrap();
    println!("default {:?}", t.elapsed());
    assert!(r.iter().enumerate().all(|(i, &x)| x == (i * i) as u64));
    let t = std::time::Instant::now();
    let r = pool.task(square).chunk_size(1).map(0..100_000u64).unwrap();
    println!("chunk1 {:?}", t.elapsed());
    assert!(r.iter().enumerate().all(|(i, &x)| x == (i * i) as u64));
    let t = std::time::Instant::now();
    for _ in 0..100 { pool.apply(square, (7,)).unwrap(); }
    println!("apply {:?}", t.elapsed() / 100);
    let r = pool.try_map(bad, 0..100);
    for (i, r) in r.iter().enumerate() {
        if i % 10 == 3 { assert!(matches!(r, Err(TaskError::WorkerLost { .. })), "{i} {r:?}"); } else { assert_eq!(*r, Ok(i as u64 + 1)); }
    }
    pool.close();
    pool.join().unwrap();
}
