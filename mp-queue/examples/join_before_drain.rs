//! A child puts numbers into a queue; the parent waits for its end first, and takes them then.

use mp_process::spawn;
use mp_queue::Queue;

fn put_numbers(queue: Queue<u32>) {
    for number in 0..5 {
        queue.put(number).unwrap();
    }
}

#[mp_process::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let queue = Queue::new()?;
    spawn(put_numbers, (queue.clone(),))?.join()?;
    while !queue.is_empty() {
        println!("{}", queue.get()?);
    }
    Ok(())
}
