//! Results can be read when the executor is gone.

use mp_pool::ProcessPoolExecutor;

fn waste_cpu(n: u32) -> String {
    let _sum: u64 = (0..1_000_000).sum();
    format!("Input {n} processed by PID {}", std::process::id())
}

#[mp_process::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let results = ProcessPoolExecutor::new()?.map(waste_cpu, 0..5);
    println!("this is PID {}", std::process::id());
    for line in results {
        println!("{}", line?);
    }
    Ok(())
}
