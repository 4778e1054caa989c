//! One process makes things, another uses them up; `None` says that there will be no more.

use std::thread;
use std::time::Duration;

use mp_process::spawn;
use mp_queue::Queue;

fn produce(queue: Queue<Option<String>>) {
    for number in 0..4 {
        thread::sleep(Duration::from_millis(50));
        println!("Producing: data_{number}");
        queue.put(Some(format!("data_{number}"))).unwrap();
    }
    queue.put(None).unwrap();
}

fn consume(queue: Queue<Option<String>>) {
    while let Some(item) = queue.get().unwrap() {
        println!("Consuming: {item}");
        thread::sleep(Duration::from_millis(100));
    }
}

#[mp_process::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let queue = Queue::new()?;
    let producer = spawn(produce, (queue.clone(),))?;
    let consumer = spawn(consume, (queue,))?;
    producer.join()?;
    consumer.join()?;
    Ok(())
}
