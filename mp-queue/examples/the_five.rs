//! The five things that one needs first: a process, a pool, a queue, a pipe and a lock.

use mp_pool::Pool;
use mp_process::{Process, spawn};
use mp_queue::{Connection, Queue, pipe};
use mp_sync::Lock;

fn double(number: u32) -> u32 {
    2 * number
}

fn work(queue: Queue<u32>, pipe: Connection<String, u32>, lock: Lock) {
    let number = pipe.recv().unwrap();
    for _ in 0..100 {
        let _guard = lock.lock().unwrap();
        let count = queue.get().unwrap();
        queue.put(count + number).unwrap();
    }
    pipe.send(&"counted".to_string()).unwrap();
}

#[mp_process::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (queue, lock) = (Queue::new()?, Lock::new()?);
    queue.put(0)?;
    let mut workers: Vec<(Process<()>, Connection<u32, String>)> = Vec::new();
    for _ in 0..2 {
        let (ours, theirs) = pipe()?;
        workers.push((spawn(work, (queue.clone(), theirs, lock.clone()))?, ours));
    }
    for (_, pipe) in &workers {
        pipe.send(&1)?;
    }
    for (process, pipe) in workers {
        println!("Pipe: {}", pipe.recv()?);
        process.join()?;
        println!("Process: ended");
    }
    println!("Queue and Lock: {}", queue.get()?);
    println!("Pool: {:?}", Pool::new(2)?.map(double, [1, 2, 3])?);
    Ok(())
}
