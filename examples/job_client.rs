//! A program that does jobs of `job_server`, of which it knows the address and the key.

use std::net::SocketAddr;

use mp::manager::{BarrierProxy, DictProxy, JoinableQueueProxy};
use multiprocess as mp;

#[mp::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).ok_or("the address of the server is missing")?;
    let key = std::env::var("JOBS_KEY")?;
    let manager = mp::Manager::connect(address.parse::<SocketAddr>()?, key.as_str())?;
    let jobs: JoinableQueueProxy<u64> = manager.find("jobs")?;
    let squares: DictProxy<u64, u64> = manager.find("squares")?;
    manager.find::<BarrierProxy>("start")?.wait()?;
    let mut done = 0;
    loop {
        match jobs.get() {
            Ok(n) => {
                squares.set(&n, &(n * n))?;
                done += 1;
                jobs.task_done()?;
            }
            // It has all results.
            Err(error) if error.is_server_lost() => break,
            Err(error) => return Err(error.into()),
        }
    }
    println!("done: {done}");
    Ok(())
}
