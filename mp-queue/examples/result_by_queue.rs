//! A process hands its result over by a queue; the parent gets it, and then waits for the process.

use mp_process::spawn;
use mp_queue::Queue;

fn work(queue: Queue<String>, result: String) {
    queue.put(result).unwrap();
}

#[mp_process::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    for result in ["done", "Result from Process"] {
        let queue = Queue::new()?;
        let process = spawn(work, (queue.clone(), result.to_string()))?;
        println!("{}", queue.get()?);
        process.join()?;
    }
    Ok(())
}
