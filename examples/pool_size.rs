//! A pool has by default as many workers as there are processors for this process.

use multiprocess as mp;

#[mp::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("processors: {}", mp::cpu_count());
    let pool = mp::Pool::builder().build()?;
    println!("workers: {}", pool.worker_pids().len());
    Ok(())
}
