//! Five processes need a resource that is there for two at a time.

use std::thread;
use std::time::{Duration, Instant};

use mp_process::spawn;
use mp_sync::Semaphore;

/// How long each needs it.
const WORK: Duration = Duration::from_millis(300);

fn limited_resource(resource: Semaphore, number: u32) {
    println!("Process {number} attempting to acquire...");
    let permit = resource.acquire();
    println!("Process {number} acquired resource");
    thread::sleep(WORK);
    drop(permit);
    println!("Process {number} released resource");
}

#[mp_process::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (start, resource) = (Instant::now(), Semaphore::new(2)?);
    let start_one = |number| spawn(limited_resource, (resource.clone(), number));
    let processes = (0..5).map(start_one).collect::<Result<Vec<_>, _>>()?;
    for process in processes {
        process.join()?;
    }
    println!("{:.1} turns of two", start.elapsed().as_secs_f64() / WORK.as_secs_f64());
    Ok(())
}
