//! Jobs for other programs, on this machine or elsewhere: a queue of them, and a list of results.
//!
//! ```text
//! export JOBS_KEY=$(head -c 32 /dev/urandom | base64)    # who has it may connect
//! cargo run --example job_server                         # says where it listens
//! cargo run --example job_client -- 127.0.0.1:PORT       # two of these
//! ```

use multiprocess as mp;

#[mp::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Without an address it is the loopback interface, and any port.
    let manager = mp::Manager::builder().key(std::env::var("JOBS_KEY")?.as_str()).start()?;
    let jobs = manager.joinable_queue::<u64>(0)?;
    let squares = manager.dict::<u64, u64>()?;
    manager.publish("jobs", &jobs)?;
    manager.publish("squares", &squares)?;
    // Two clients, and this program.
    let start = manager.barrier(3)?;
    manager.publish("start", &start)?;
    if let Some(address) = manager.address()? {
        println!("listening at {address}");
    }
    start.wait()?;
    for n in 1..=10 {
        jobs.put(&n)?;
    }
    // Until each job is done, whoever did it.
    jobs.join()?;
    let mut squares = squares.snapshot()?;
    squares.sort_unstable();
    println!("{squares:?}");
    Ok(())
}
