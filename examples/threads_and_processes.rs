//! The same computation in four threads and in four processes.
//!
//! Rust's threads run in parallel as processes do, so this is no race: a process costs a little
//! more to start, and pays for it by its isolation. The sum is larger than a `u64` can hold.

use std::hint::black_box;
use std::thread;
use std::time::Instant;

use multiprocess as mp;

const N: u64 = 10_000_000;

fn sum_of_squares(n: u64) -> u128 {
    // The compiler knows a formula for this sum; `black_box` makes it count.
    (0..n).map(|i| u128::from(black_box(i)).pow(2)).sum()
}

fn in_threads() -> Vec<u128> {
    thread::scope(|scope| {
        let threads = [(); 4].map(|()| scope.spawn(|| sum_of_squares(N)));
        threads.map(|thread| thread.join().expect("the sum does not panic")).to_vec()
    })
}

fn in_processes() -> Result<Vec<u128>, Box<dyn std::error::Error>> {
    let mut processes = Vec::new();
    for core in 1..=4 {
        let named = mp::Process::builder().name(format!("Core-{core}"));
        processes.push(named.spawn(sum_of_squares, (N,))?);
    }
    let mut sums = Vec::new();
    for process in processes {
        let name = process.name().to_owned();
        let sum = process.join()?;
        println!("{name} finished: {sum}");
        sums.push(sum);
    }
    Ok(sums)
}

#[mp::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let started = Instant::now();
    let by_threads = in_threads();
    println!("Threading: {:.2}s", started.elapsed().as_secs_f64());

    let started = Instant::now();
    let by_processes = in_processes()?;
    println!("Multiprocessing: {:.2}s", started.elapsed().as_secs_f64());

    assert_eq!(by_threads, by_processes);
    Ok(())
}
