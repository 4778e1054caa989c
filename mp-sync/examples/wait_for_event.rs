//! Three processes wait for an event; it happens, and all of them go on.

use mp_process::spawn;
use mp_sync::{Event, Semaphore};

fn wait_for_event(event: Event, waiting: Semaphore, number: u32) {
    println!("Process {number} waiting...");
    waiting.release().expect("there is room for three");
    event.wait();
    println!("Process {number} proceeding!");
}

#[mp_process::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (event, waiting) = (Event::new()?, Semaphore::new(0)?);
    let start = |number| spawn(wait_for_event, (event.clone(), waiting.clone(), number));
    let processes = (0..3).map(start).collect::<Result<Vec<_>, _>>()?;

    // Until each has said that it waits, which no pause, however long, would make certain.
    (0..3).for_each(|_| waiting.acquire().forget());
    println!("Setting event...");
    event.set();

    for process in processes {
        process.join()?;
    }
    Ok(())
}
